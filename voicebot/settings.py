"""The only reader of TOML and of the environment. Each room's own settings nest here.

Order, later wins: the defaults in each room's ``settings.py``, the TOML file, the environment
(``VOICEBOT_SIP__PORT=5070`` sets ``port`` in ``[sip]``).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from asr.settings import AsrSettings
from dialog.settings import DialogSettings
from telephony.settings import (
    RTP_PORTS_PER_CALL,
    AudioSocketSettings,
    EdgeSettings,
    TelephonySettings,
    WebRtcSettings,
    WebSocketSettings,
)
from voicebot.core.errors import ConfigurationError
from voicebot.desk.settings import DeskSettings
from voicebot.explain import explain
from voicebot.storage.settings import StorageSettings
from voicebot.tts.settings import TtsSettings
from voicebot.turns.settings import TurnSettings
from voicebot.web.settings import WebSettings

DEFAULT_FILE = Path("voicebot.toml")
_PREFIX = "VOICEBOT_"
_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    var_dir: Path = Field(Path("var"), description="folder for everything that is made at run time")
    models_dir: Path = Field(Path("var/models"), description="folder of the models")
    city_dir: Path = Field(_ROOT / "cities" / "luoyang", description="folder of the city's data")
    log_json: bool = Field(False, description="logs as one JSON object a line, for a log collector")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="lowest level that is logged")
    drain_s: float = Field(60, ge=0, description="how long calls may go on after the service is told to stop, seconds")
    max_conversations: int = Field(
        0,
        ge=0,
        description="conversations of a process at the same time, over all lines; one caller more is told that the"
        " lines are busy and is listed to be called back; 0: no limit but those of the lines",
    )
    workers: int = Field(
        1, ge=1, le=32, description="processes that take calls; each next one has its own ports, see docs/deployment.md"
    )
    worker_name: str = Field("", description="name of this process in its logs; several workers are named by number")

    sip: TelephonySettings = Field(default_factory=TelephonySettings, description="the SIP line")
    audiosocket: AudioSocketSettings | None = Field(
        None, description="the door for a PBX's media socket; open only when this section is there"
    )
    websocket: WebSocketSettings | None = Field(
        None, description="the door for Asterisk's chan_websocket; open only when this section is there"
    )
    webrtc: WebRtcSettings = Field(default_factory=WebRtcSettings, description="calls from the page /call")
    edge: EdgeSettings = Field(
        default_factory=EdgeSettings, description="what voicebot edge config writes for Kamailio, rtpengine and coturn"
    )
    asr: AsrSettings = Field(default_factory=AsrSettings, description="hearing")
    tts: TtsSettings = Field(default_factory=TtsSettings, description="the voice")
    turns: TurnSettings = Field(default_factory=TurnSettings, description="turn-taking")
    dialog: DialogSettings = Field(default_factory=DialogSettings, description="the conversation")
    storage: StorageSettings = Field(default_factory=StorageSettings, description="the record")
    desk: DeskSettings = Field(default_factory=DeskSettings, description="the human queue and the agents' desk")
    web: WebSettings = Field(default_factory=WebSettings, description="pages, health and metrics")
    targets: dict[str, str] = Field(
        default_factory=dict,
        description="SIP targets by seat skill or number that is dialled, e.g. general, 119; calls without one wait",
    )

    @model_validator(mode="after")
    def _workers_fit(self) -> Self:
        if self.workers > 1 and self.sip.registrar:
            raise ValueError("with several workers the edge registers, not the workers: leave sip.registrar empty")
        if self.workers > 1 and self.web.port == 0:
            raise ValueError("with several workers web.port must be a port: worker n takes web.port + n")
        if self.rtp_ports_per_worker < RTP_PORTS_PER_CALL * self.sip.max_concurrent_calls:
            raise ValueError(
                f"sip.rtp_port_min..rtp_port_max has too few ports: {RTP_PORTS_PER_CALL} for each of"
                " sip.max_concurrent_calls, in each of the workers"
            )
        return self

    @property
    def rtp_ports_per_worker(self) -> int:
        """An even number: RTP takes the even port, RTCP the next one."""
        return (self.sip.rtp_port_max - self.sip.rtp_port_min + 1) // self.workers // 2 * 2

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
    _refuse_unknown(os.environ)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return FromFile(**overrides)
    except ValidationError as error:
        where = f"{file} 或环境变量" if file else "环境变量"
        raise ConfigurationError(
            f"设置有误（{where}）：{explain(error)}。", code="settings_invalid", remedy="请对照 docs/settings.md 改正。"
        ) from error
    except ValueError as error:  # TOML syntax, with line and column
        raise ConfigurationError(
            f"设置文件 {file} 读不懂：{error}。", code="settings_syntax", remedy="请检查 TOML 语法。"
        ) from error


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A misspelt variable would silently leave the default in force. Nested names are checked by their section."""
    names = [name for name in environment if name.upper().startswith(_PREFIX)]
    known = {field.upper() for field in Settings.model_fields}
    unknown = [name for name in names if name.upper().removeprefix(_PREFIX).split("__")[0] not in known]
    if unknown:
        raise ConfigurationError(
            f"环境变量 {'、'.join(sorted(unknown))} 不是本程序的设置项。",
            code="settings_unknown",
            remedy="请对照 docs/settings.md 改正拼写，或取消这个变量。",
        )
