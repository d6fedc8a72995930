"""``voicebot models``: which models there are, fetch them, check them."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from voicebot.core.errors import ModelError
from voicebot.models import ModelStore
from voicebot.models.progress import reporter
from voicebot.models.pull import Puller, PullOptions
from voicebot.models.store import REMEDY, Finding, State
from voicebot.settings import Settings

_WORDS = {State.OK: "就绪", State.MISSING: "缺少", State.DAMAGED: "损坏"}


@click.group()
def command() -> None:
    """模型：列出、获取、校验。"""


@command.command("list")
@click.pass_obj
def list_models(settings: Settings) -> None:
    """列出模型、用途、许可与状态（只查文件大小）。"""
    store = ModelStore(settings.models_dir)
    table = Table("模型", "用途", "大小", "许可", "必需", "状态", box=None, pad_edge=False)
    for entry in store.catalogue.model:
        finding = store.look(entry.id)
        size = f"{entry.size / 1e6:.1f} MB" if entry.size else "本机生成"
        required = "是" if entry.required else "否"
        table.add_row(entry.id, entry.purpose, size, entry.licence, required, _WORDS[finding.state])
    Console(soft_wrap=True).print(table)
    click.echo(f"目录：{settings.models_dir.resolve()}")


@command.command()
@click.argument("models", nargs=-1)
@click.option(
    "--from",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="先从这个本地目录取（可重复）。",
)
@click.option(
    "--offline",
    type=click.Path(file_okay=False, path_type=Path),
    help="把全部模型放进这个目录，供没有外网的机器用 --from 取。",
)
@click.option("--hub-endpoint", default="", help="Hugging Face 镜像地址；缺省按 HF_ENDPOINT 或官方地址。")
@click.option("--modelscope-endpoint", default="", help="ModelScope 镜像地址；缺省为官方地址。")
@click.option("--hubs/--no-hubs", default=True, help="是否访问模型社区。")
@click.option("--packages/--no-packages", default=True, help="是否访问软件包仓库（pip、npm、apt-get）。")
@click.pass_obj
def pull(
    settings: Settings,
    models: tuple[str, ...],
    folders: tuple[Path, ...],
    offline: Path | None,
    hub_endpoint: str,
    modelscope_endpoint: str,
    hubs: bool,
    packages: bool,
) -> None:
    """获取缺少或损坏的模型（缺省为全部）；可中断后重来，每个文件都核对 sha256。

    来源依次为：--from 目录、模型社区、软件包仓库。
    """
    if offline:
        folders = (*folders, settings.models_dir)
    options = PullOptions(
        folders=folders,
        hubs=hubs,
        packages=packages,
        hub_endpoints={"huggingface": hub_endpoint, "modelscope": modelscope_endpoint},
    )
    given_up = Puller(ModelStore(offline or settings.models_dir), options, reporter()).pull(models)
    if offline:
        click.echo(f"已放入 {offline}。拷到目标机器后运行：voicebot models pull --from 该目录")
    elif not given_up:
        click.echo("全部模型已就绪。")


@command.command()
@click.argument("models", nargs=-1)
@click.pass_obj
def verify(settings: Settings, models: tuple[str, ...]) -> None:
    """逐个文件核对 sha256；有文件损坏，或缺少必需的（或点名的）模型时退出码为 1。"""
    store = ModelStore(settings.models_dir)
    names = models or tuple(entry.id for entry in store.catalogue.model)
    bad: list[Finding] = []
    for name in names:
        finding = store.look(name, thorough=True)
        what = "".join(f"，{word} {'、'.join(files)}" for word, files in _faults(finding))
        click.echo(f"{name}：{_WORDS[finding.state]}{what}")
        wanted = finding.entry.required or name in models
        if finding.state is State.DAMAGED or (wanted and finding.state is not State.OK):
            bad.append(finding)
    if bad:
        names_of_bad = "、".join(finding.entry.id for finding in bad)
        raise ModelError(f"模型 {names_of_bad} 不能用。", code=f"model_{bad[0].state}", remedy=REMEDY)


def _faults(finding: Finding) -> list[tuple[str, tuple[str, ...]]]:
    return [(word, files) for word, files in (("缺", finding.missing), ("坏", finding.damaged)) if files]
