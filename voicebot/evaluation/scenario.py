"""A scenario: what a caller does in one call, and what is expected of the bot. Documented in docs/scenarios.md."""

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from voicebot.core.errors import ConfigurationError
from voicebot.explain import explain


class When(StrEnum):
    """When a caller's turn begins."""

    AFTER_REPLY = "after_reply"  # the bot has spoken and fallen silent
    DURING_REPLY = "during_reply"  # the bot has begun to speak: an interruption
    AT = "at"  # at ``at_ms`` since answer, whatever the bot does


class Outcome(StrEnum):
    """How a call should end for the caller."""

    ANSWER = "answer"
    TICKET = "ticket"
    HANDOFF = "handoff"
    NONE = "none"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TurnExpectation(_Strict):
    """What the bot should do between the end of this turn and the end of the next one."""

    says: list[str] = Field(default_factory=list, description="each must be in what the bot says")
    any_of: list[str] = Field(default_factory=list, description="at least one must be in what the bot says")
    absent: list[str] = Field(default_factory=list, description="none may be in what the bot says")
    within_ms: float | None = Field(
        None, gt=0, description="end of the caller's speech to the first sound of the reply"
    )
    silent: bool = Field(False, description="the bot must not speak at all")


class CallerTurn(_Strict):
    """One turn of the caller: exactly one of ``say``, ``wav``, ``digits``, ``wait_ms`` and ``hang_up``."""

    say: str = Field("", description="text spoken by one of the eight voices")
    wav: str = Field("", description="file, relative to the scenario")
    digits: str = Field("", description="keys, one every 200 ms")
    wait_ms: float = Field(0, ge=0, description="only wait")
    hang_up: bool = Field(False, description="put the receiver down")
    voice: str = Field("", description="voice of ``say``; defaults to the caller's")
    when: When = When.AFTER_REPLY
    after_ms: float = Field(300, ge=0, description="how long after that instant")
    at_ms: float = Field(0, ge=0, description="for when = 'at'")
    expect: TurnExpectation = Field(default_factory=TurnExpectation)

    @model_validator(mode="after")
    def _one_thing(self) -> "CallerTurn":
        if sum(map(bool, (self.say, self.wav, self.digits, self.wait_ms, self.hang_up))) != 1:
            raise ValueError("一轮只能有 say、wav、digits、wait_ms、hang_up 中的一个")
        if self.at_ms and self.when is not When.AT:
            raise ValueError("at_ms 只用于 when = 'at'")
        return self


class Caller(_Strict):
    """Who calls."""

    number: str = Field("13937900000", pattern=r"^\+?[0-9]*$", description="calling number; empty when withheld")
    voice: str = Field("zf_xiaoxiao", description="voice of ``say``")
    gain_db: float = Field(0, ge=-40, le=20, description="loudness of the caller")
    noise_dbfs: float | None = Field(None, ge=-90, le=-10, description="white line noise under the whole call")


class CallExpectation(_Strict):
    """What should be true when the call is over."""

    outcome: Outcome | None = None
    tickets: int | None = Field(None, ge=0, description="number of tickets filed")
    ticket: dict[str, str] = Field(
        default_factory=dict, description="field path of the first ticket -> text it must contain"
    )
    handoff_reason: str = ""
    absent: list[str] = Field(default_factory=list, description="none may be in anything the bot says")
    max_caller_turns: int | None = Field(None, ge=1)


class Scenario(_Strict):
    """One call."""

    title: str
    caller: Caller = Field(default_factory=Caller)
    turn: list[CallerTurn] = Field(min_length=1)
    expect: CallExpectation = Field(default_factory=CallExpectation)
    reply_timeout_ms: float = Field(12_000, gt=0, description="a reply that has not begun by then is missing")
    reply_gap_ms: float = Field(900, gt=0, description="silence after which the bot has finished speaking")
    linger_ms: float = Field(6_000, ge=0, description="how long the caller stays on after the last turn")


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario and the folder that its files are relative to."""

    scenario: Scenario
    folder: Path
    name: str
    problems: tuple[str, ...] = field(default_factory=tuple)


def load_scenario(path: Path) -> LoadedScenario:
    """Read a TOML scenario, or make one of a single recording.

    Raises `ConfigurationError` that says which entry is wrong and why.
    """
    if not path.exists():
        raise ConfigurationError(f"找不到剧本 {path}。", code="scenario_missing", remedy="请检查路径。")
    if path.suffix.lower() != ".toml":
        scenario = Scenario(title=path.stem, turn=[CallerTurn(wav=path.name)])
        return LoadedScenario(scenario, path.parent, path.stem)
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        scenario = Scenario.model_validate(data)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"剧本 {path} 读不懂：{error}。", code="scenario_syntax", remedy="请检查 TOML 语法与编码（UTF-8）。"
        ) from error
    except ValidationError as error:
        raise ConfigurationError(
            f"剧本 {path} 有误：{explain(error)}。", code="scenario_invalid", remedy="格式见 docs/scenarios.md。"
        ) from error
    for number, turn in enumerate(scenario.turn, 1):
        if turn.wav and not (path.parent / turn.wav).exists():
            raise ConfigurationError(
                f"剧本 {path} 第 {number} 轮的录音 {turn.wav} 不存在。",
                code="scenario_wav_missing",
                remedy="请检查路径。",
            )
    return LoadedScenario(scenario, path.parent, path.stem)
