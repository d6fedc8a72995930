"""``voicebot city check``: read a city's folder and say everything that is wrong with it."""

from pathlib import Path

import click

from dialog.city import load_city
from voicebot.settings import Settings


@click.group("city", help="城市数据：校验。")
def command() -> None:
    """The group."""


@command.command("check", help="校验城市文件夹；缺省为设置里的 city_dir。有问题时逐条列出“文件:行号: 怎么改”。")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def check(settings: Settings, folder: Path | None) -> None:
    """Load the folder; `CityError` goes to the command line's own door."""
    city = load_city(folder or settings.city_dir)
    click.echo(
        f"{city.name}：部门 {len(city.departments)}，单位 {len(city.units)}，地名 {len(city.places)}，"
        f"网格 {len(city.grids)}，分类 {len(city.categories)}，职责 {len(city.catalogue)}，"
        f"知识文章 {len(city.articles)}。没有问题。"
    )
