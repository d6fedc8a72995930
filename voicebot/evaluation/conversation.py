"""Plays a scenario on a caller's line, hearing only what a caller hears."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telephony.caller import CallerLeg
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ, samples_to_ms
from voicebot.evaluation.scenario import CallerTurn, Scenario, When

_TICK_S = 0.02
_KEY_MS = 200
_SOUND_DBFS = -45.0  # a frame of the bot louder than this is heard; the line's own noise lies well below


@dataclass(slots=True)
class PlayedTurn:
    """What happened in one caller turn. Times in ms since answer; ``reply_ms`` None when no reply came."""

    index: int
    start_ms: float
    end_ms: float
    reply_ms: float | None = None
    missing: bool = False


@dataclass(slots=True)
class BotEar:
    """Follows the bot's audio as the caller hears it, frame by frame."""

    frames: list[bool] = field(default_factory=list)

    @property
    def position(self) -> int:
        """Samples since answer that were looked at."""
        return len(self.frames) * FRAME_SAMPLES

    def update(self, received: NDArray[np.int16]) -> None:
        """Take what was received from `position` on."""
        new = received[: len(received) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        if not len(new):
            return
        rms = np.sqrt(np.mean(new.astype(np.float64) ** 2, axis=1)) + 1e-9
        self.frames.extend((20 * np.log10(rms / 32768) > _SOUND_DBFS).tolist())

    def first_sound_ms(self, after_ms: float) -> float | None:
        """When the bot was first heard at or after an instant."""
        begin = max(0, int(after_ms / 20))
        for number in range(begin, len(self.frames)):
            if self.frames[number]:
                return number * 20.0
        return None

    def last_sound_ms(self) -> float | None:
        """End of the newest sound of the bot."""
        for number in range(len(self.frames) - 1, -1, -1):
            if self.frames[number]:
                return (number + 1) * 20.0
        return None


class Conversation:
    """One scenario on one line. ``clips`` holds the audio of each turn that speaks (8 kHz int16)."""

    def __init__(self, scenario: Scenario, clips: dict[int, bytes], leg: CallerLeg):
        self._scenario = scenario
        self._clips = clips
        self._leg = leg
        self._ear = BotEar()
        self.turns: list[PlayedTurn] = []

    async def play(self) -> list[PlayedTurn]:
        """Connect, play every turn, stay on for a while, hang up. The leg is closed in any case."""
        try:
            await self._leg.connect()
            for index, turn in enumerate(self._scenario.turn):
                if not await self._begin(turn):
                    break
                await self._do(index, turn)
                if self._leg.ended:
                    break
            await self._linger()
        finally:
            await self._leg.hang_up()
        self._listen()
        self._note_replies()
        return self.turns

    async def _begin(self, turn: CallerTurn) -> bool:
        """Wait for the turn's moment; False when the call is over before it."""
        if turn.when is When.AT:
            return await self._until(lambda: self._now_ms() >= turn.at_ms, turn.at_ms + 1000)
        since_ms = self.turns[-1].end_ms if self.turns else 0.0
        timeout_ms = self._now_ms() + self._scenario.reply_timeout_ms

        def begun() -> bool:
            return self._ear.first_sound_ms(since_ms) is not None

        heard = await self._until(begun, timeout_ms)
        if self._leg.ended:
            return False
        if not heard and self.turns:
            self.turns[-1].missing = True
        if turn.when is When.AFTER_REPLY:
            await self._until(lambda: self._silent_ms() >= self._scenario.reply_gap_ms, self._now_ms() + 60_000)
        begin_ms = self._now_ms() + turn.after_ms
        await self._until(lambda: self._now_ms() >= begin_ms, begin_ms + 1000)
        return not self._leg.ended

    async def _do(self, index: int, turn: CallerTurn) -> None:
        start_ms = pressed_ms = self._now_ms()
        if turn.hang_up:
            await self._leg.hang_up()
        elif turn.wait_ms:
            await self._until(lambda: self._now_ms() >= start_ms + turn.wait_ms, start_ms + turn.wait_ms + 1000)
        elif turn.digits:
            for key in turn.digits:
                pressed_ms = self._now_ms()
                await self._leg.press(key)
                await asyncio.sleep(_KEY_MS / 1000)
            self.turns.append(PlayedTurn(index, start_ms, pressed_ms))
            return
        else:
            clip = self._clips[index]
            start_ms = samples_to_ms(self._leg.say(clip))
            length_ms = len(clip) / 2 * 1000 / SAMPLE_RATE_HZ
            await self._until(lambda: not self._leg.saying, start_ms + length_ms + 5000)
            end_ms = start_ms + speech_end_ms(clip)
            self.turns.append(PlayedTurn(index, start_ms, end_ms))
            return
        self.turns.append(PlayedTurn(index, start_ms, self._now_ms()))

    async def _linger(self) -> None:
        until_ms = self._now_ms() + self._scenario.linger_ms
        while self._now_ms() < until_ms and not self._leg.ended:
            self._listen()
            if self._silent_ms() < self._scenario.reply_gap_ms:  # the bot is speaking: hear it out
                until_ms = max(until_ms, self._now_ms() + self._scenario.reply_gap_ms)
            await asyncio.sleep(_TICK_S)

    async def _until(self, done: Callable[[], bool], timeout_ms: float) -> bool:
        while not self._leg.ended and self._now_ms() < timeout_ms:
            self._listen()
            if done():
                return True
            await asyncio.sleep(_TICK_S)
        return False

    def _listen(self) -> None:
        self._ear.update(self._leg.received(self._ear.position))

    def _now_ms(self) -> float:
        return samples_to_ms(self._leg.position)

    def _silent_ms(self) -> float:
        last_ms = self._ear.last_sound_ms()
        return self._now_ms() - (last_ms or 0.0)

    def _note_replies(self) -> None:
        for number, turn in enumerate(self.turns):
            first_ms = self._ear.first_sound_ms(turn.end_ms)
            next_ms = self.turns[number + 1].start_ms if number + 1 < len(self.turns) else None
            if first_ms is not None and (next_ms is None or first_ms < next_ms):
                turn.reply_ms = round(first_ms - turn.end_ms, 1)


def speech_end_ms(clip: bytes) -> float:
    """Where the caller's last audible sample lies in a clip: trailing silence is not speech."""
    samples = np.frombuffer(clip, "<i2").astype(np.float64)
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    if not len(frames):
        return samples_to_ms(len(samples))
    rms = np.sqrt(np.mean(frames**2, axis=1))
    loud = np.nonzero(rms > max(rms.max() * 0.05, 32.0))[0]
    return float((loud[-1] + 1) * 20) if len(loud) else samples_to_ms(len(samples))


def with_line(clip: bytes, gain_db: float, noise_dbfs: float | None, seed: int = 7) -> bytes:
    """The clip at the caller's loudness, with white line noise under it; int16 in, int16 out."""
    samples = np.frombuffer(clip, "<i2").astype(np.float64) * 10 ** (gain_db / 20)
    if noise_dbfs is not None:
        samples = samples + np.random.default_rng(seed).normal(0, 32768 * 10 ** (noise_dbfs / 20), len(samples))
    return bytes(np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes())
