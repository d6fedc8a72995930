"""``voicebot knowledge``: check, list, import and export a city's articles."""

import json
from pathlib import Path

import click

from dialog.city import load_city
from dialog.city.articles import write_article
from dialog.embedding import Embedder
from dialog.knowledge.conflicts import find_conflicts
from dialog.knowledge.exchange import export_articles, import_articles
from dialog.knowledge.standing import standing
from voicebot.core.clock import SystemClock
from voicebot.core.errors import ConfigurationError
from voicebot.settings import Settings


@click.group("knowledge", help="知识库：检查、列出、导入、导出。")
def command() -> None:
    """The group."""


@command.command("check", help="检查知识文章：写法、过期、草稿，以及问法相近而部门或答法不同的文章。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def check(settings: Settings, as_json: bool) -> None:
    """Formal problems stop the command; what needs an editor's judgement is listed."""
    city = load_city(settings.city_dir)
    today = SystemClock().now().astimezone(city.timezone).date()
    conflicts = find_conflicts(city.articles, Embedder(settings.var_dir / "embeddings"), city.tenant)
    states = {article.id: standing(article, today) for article in city.articles}
    if as_json:
        pairs = [
            {"articles": [c.first.id, c.second.id], "questions": c.questions, "likeness": round(c.likeness, 4),
             "owners_differ": c.owners_differ}
            for c in conflicts
        ]  # fmt: skip
        click.echo(json.dumps({"n": len(city.articles), "states": states, "conflicts": pairs}, ensure_ascii=False))
        return
    for article in city.articles:
        if states[article.id] != "可用":
            click.echo(f"{article.file}: {states[article.id]}")
    for c in conflicts:
        what = "部门不同" if c.owners_differ else "答法不同"
        click.echo(
            f"{c.first.file} 与 {c.second.file}：问法相近（“{c.questions[0]}”“{c.questions[1]}”），{what}，请核对"
        )
    spoken = sum(article.speakable(today) for article in city.articles)
    click.echo(f"共 {len(city.articles)} 篇，今天可用 {spoken} 篇，待核对 {len(conflicts)} 对。")


@command.command("list", help="列出知识文章。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def list_articles(settings: Settings, as_json: bool) -> None:
    """One line an article."""
    city = load_city(settings.city_dir)
    today = SystemClock().now().astimezone(city.timezone).date()
    rows = [
        {"id": a.id, "title": a.title, "owner": city.department_by_id[a.owner].name, "version": a.version,
         "valid_to": a.valid_to.isoformat(), "state": standing(a, today)}
        for a in city.articles
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values()))


@command.command("export", help="导出到 TARGET：文件夹（Markdown）、.csv 或 .xlsx。")
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def export(settings: Settings, target: Path) -> None:
    """Write all articles."""
    articles = load_city(settings.city_dir).articles
    export_articles(articles, target)
    click.echo(f"已导出 {len(articles)} 篇到 {target}。")


@command.command("import", help="从 SOURCE（Markdown 文件夹、.csv 或 .xlsx）导入；同编号的文章要有更高的版本号。")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.pass_obj
def import_command(settings: Settings, source: Path) -> None:
    """Write the articles into the city's folder; nothing is written unless all of them fit."""
    city = load_city(settings.city_dir)
    articles = import_articles(source)
    known = {question: a.id for a in city.articles for question in a.questions}
    wrong = [f"{a.id}：部门“{a.owner}”不存在" for a in articles if a.owner not in city.department_by_id]
    wrong += [
        f"{a.id}：版本 {a.version} 不高于现有的 {old.version}"
        for a in articles
        if (old := city.article_by_id.get(a.id)) is not None
        and write_article(old) != write_article(a)
        and a.version <= old.version
    ]
    coming = {a.id for a in articles}
    wrong += [
        f"{a.id}：问法“{question}”已在 {known[question]} 里"
        for a in articles
        for question in a.questions
        if known.get(question, a.id) != a.id and known[question] not in coming
    ]
    if wrong:
        raise ConfigurationError(
            "；".join(wrong) + "。", code="import_refused", remedy="改正后再导入；现有文章没有变。"
        )
    changed = [
        a
        for a in articles
        if a.id not in city.article_by_id or write_article(city.article_by_id[a.id]) != write_article(a)
    ]
    for article in changed:
        old = city.article_by_id.get(article.id)
        path = settings.city_dir / (old.file if old else f"knowledge/{article.id}.md")
        path.write_text(write_article(article), encoding="utf-8")
    click.echo(f"读到 {len(articles)} 篇，写入 {len(changed)} 篇，其余没有变化。重启服务后生效。")
