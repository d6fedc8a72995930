"""The only reader of TOML and of the environment. Each room's own settings nest here.

Order, later wins: the defaults in each room's ``settings.py``, the TOML file, the environment
(``VOICEBOT_SIP__PORT=5070`` sets ``port`` in ``[sip]``).
"""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from voicebot.core.errors import ConfigurationError

DEFAULT_FILE = Path("voicebot.toml")
_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="VOICEBOT_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    var_dir: Path = Field(Path("var"), description="folder for everything that is made at run time")
    models_dir: Path = Field(Path("var/models"), description="folder of the models")
    city_dir: Path = Field(_ROOT / "cities" / "luoyang", description="folder of the city's data")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over TOML over defaults; no dotenv, no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings; ``file`` defaults to ``voicebot.toml`` in the current folder when there is one.

    Raises `ConfigurationError` that names each wrong setting.
    """
    file = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return FromFile(**overrides)
    except ValidationError as error:
        problems = "；".join(f"{'.'.join(map(str, e['loc']))}：{e['msg']}" for e in error.errors())
        where = str(file) if file else "环境变量"
        raise ConfigurationError(
            f"设置有误（{where}）：{problems}。", code="settings_invalid", remedy="请对照 docs/settings.md 改正。"
        ) from error
    except ValueError as error:  # TOML syntax, with line and column
        raise ConfigurationError(
            f"设置文件 {file} 读不懂：{error}。", code="settings_syntax", remedy="请检查 TOML 语法。"
        ) from error


def worker_name() -> str:
    """Name of this process in records that several workers share."""
    return os.environ.get("VOICEBOT_WORKER", f"worker-{os.getpid()}")
