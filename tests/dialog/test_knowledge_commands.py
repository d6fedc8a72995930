"""The commands for clerks: check a city, carry articles in and out."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from dialog.city import load_city
from voicebot.cli.city import command as city_command
from voicebot.cli.knowledge import command as knowledge_command
from voicebot.core.errors import CityError, ConfigurationError
from voicebot.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "cities" / "luoyang"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = shutil.copytree(EXAMPLE, tmp_path / "city")
    return Settings(city_dir=Path(folder), var_dir=tmp_path / "var")


def run(command: object, settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, obj=settings, catch_exceptions=False)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result.output


def test_a_good_city_is_summed_up_and_a_bad_one_refused(settings: Settings, tmp_path: Path) -> None:
    assert "没有问题" in run(city_command, settings, "check")
    with pytest.raises(CityError):
        run(city_command, settings, "check", str(tmp_path))


def test_listed_articles_tell_owner_and_state(settings: Settings) -> None:
    rows = json.loads(run(knowledge_command, settings, "list", "--json"))
    heating = next(row for row in rows if row["id"] == "heating")
    assert heating["owner"] == "洛阳热力有限公司"
    assert heating["state"] in ("可用", "即将过期", "已过期")


def test_a_newer_version_is_taken_and_an_older_one_refused(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(knowledge_command, settings, "export", str(out))
    changed = out / "heating.md"
    text = changed.read_text(encoding="utf-8").replace("title: 暖气不热怎么办", "title: 暖气问题")
    changed.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="版本 1 不高于"):
        run(knowledge_command, settings, "import", str(out))
    assert load_city(settings.city_dir).article_by_id["heating"].title == "暖气不热怎么办"
    changed.write_text(text.replace("version: 1", "version: 2"), encoding="utf-8")
    assert "写入 1 篇" in run(knowledge_command, settings, "import", str(out))
    assert load_city(settings.city_dir).article_by_id["heating"].title == "暖气问题"


def test_an_unknown_owner_and_a_taken_question_are_refused(settings: Settings, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    text = (settings.city_dir / "knowledge" / "heating.md").read_text(encoding="utf-8")
    (new / "a.md").write_text(text.replace("id: heating", "id: other").replace("owner: heat", "owner: nobody"), "utf-8")
    with pytest.raises(ConfigurationError, match=r"nobody(.|\n)*已在 heating 里"):
        run(knowledge_command, settings, "import", str(new))
