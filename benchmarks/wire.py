"""A caller on the wire: speaks recordings in RTP packets and dates what comes back by its packets."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.support.raw_sip import Media, RawSip
from voicebot.audio.g711 import decode_a_law
from voicebot.core.frames import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ
from voicebot.evaluation.conversation import speech_end_ms
from voicebot.evaluation.fixture_packets import PACKETS

SOUND_DBFS = -45.0  # a packet louder than this is heard
GAP_S = 1.0  # a bot that was silent for so long has finished speaking
REPLY_WITHIN_S = 12.0
SENTENCE_WITHIN_S = 60.0
STOPPED_S = 0.3  # a bot that is interrupted is silent when it was for so long
ONSET_S = 0.2  # after so much silence a sound is a new one
HISS_DBFS = -62.0  # under the whole call: a telephone is never digitally silent
LOUD_END = 10 ** (-35 / 20) * 32768  # a voice that stops from here to nothing has been torn off
_POLL_S = 0.01
_A_LAW_SILENCE = 8  # the smallest value that A-law can say


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a caller says: 8 kHz int16, and whether it has pauses inside or asks for a reply never said before."""

    name: str
    pcm: bytes
    new: bool = False
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence and what came of it. ``reply_s`` from its last sample to the first of the reply; None: no reply."""

    sentence: Sentence
    reply_s: float | None
    cut_off: bool


def read_sentence(path: Path, *, new: bool = False, pauses: bool = False) -> Sentence:
    """A recording at 8 kHz, without the silence behind its last sound."""
    samples, rate_hz = soundfile.read(path, dtype="int16")
    if rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(f"{path}: {rate_hz} Hz, not {SAMPLE_RATE_HZ}")
    pcm = samples.astype("<i2").tobytes()
    return Sentence(path.stem, pcm[: round(speech_end_ms(pcm) * SAMPLE_RATE_HZ / 1000) * 2], new, pauses)


def without_lead(sentence: Sentence) -> Sentence:
    """The sentence from its first audible 20 ms on."""
    samples = np.frombuffer(sentence.pcm, "<i2").astype(np.float64)
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    first = int(np.argmax(levels > levels.max() * 0.1)) if len(levels) else 0
    return replace(sentence, pcm=sentence.pcm[2 * FRAME_SAMPLES * first :])


class HissingMedia(Media):
    """RTP that carries a faint hiss between the words, and knows when the last packet with words left."""

    def __init__(self) -> None:
        super().__init__()
        noise = np.random.default_rng(3).normal(0, 32768 * 10 ** (HISS_DBFS / 20), SAMPLE_RATE_HZ)
        self._hiss = noise.astype("<i2").tobytes()
        self.spoke_at_s = 0.0
        """When the last packet with words left; its last sample was spoken then."""

    async def run(self) -> None:
        """One packet every 20 ms, until cancelled."""
        sent, due = 0, time.monotonic()
        while True:
            speaks = bool(self.speech)
            pcm = bytes(self.speech[: 2 * FRAME_SAMPLES])
            del self.speech[: 2 * FRAME_SAMPLES]
            at = 2 * FRAME_SAMPLES * (sent % (SAMPLE_RATE_HZ // FRAME_SAMPLES))
            pcm += self._hiss[at + len(pcm) : at + 2 * FRAME_SAMPLES]
            self.send_audio(sent, pcm)
            if speaks:
                self.spoke_at_s = time.monotonic()
            sent += 1
            due = max(due + FRAME_MS / 1000, time.monotonic() - 0.1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))


class BrokenMedia(HissingMedia):
    """The same over a network that loses packets and delivers them late."""

    def __init__(self, lost: frozenset[int] = frozenset(), late_ms: Sequence[float] = (0.0,)):
        """Numbers of lost packets, and by how many milliseconds each is late; both begin again when they end."""
        super().__init__()
        self._lost = lost
        self._late_ms = late_ms

    def send_audio(self, number: int, pcm: bytes) -> None:
        """Send it, or not, or later."""
        if number % PACKETS in self._lost:
            return
        late_s = self._late_ms[number % len(self._late_ms)] / 1000
        if late_s <= 0:
            super().send_audio(number, pcm)
        else:
            asyncio.get_running_loop().call_later(late_s, self._send_late, number, pcm)

    def _send_late(self, number: int, pcm: bytes) -> None:
        if not self.transport.is_closing():
            super().send_audio(number, pcm)


class WireCaller(RawSip):
    """A call to a bot on this machine. Use as ``async with WireCaller(port, number) as caller``."""

    def __init__(self, port: int, number: str, media: HissingMedia | None = None):
        super().__init__(port, caller=number)
        self.media: HissingMedia = media or HissingMedia()
        self._looked_at = 0
        self._sounds: list[tuple[float, float]] = []  # first and last instant of each 20 ms that was heard
        self._onsets: list[float] = []  # instants at which a sound began
        self._sound_until_s: float | None = None
        self._heard: list[NDArray[np.int16]] = []

    @property
    def hung_up(self) -> bool:
        """Has the bot ended the call?"""
        return any(request.method == "BYE" for request in self.requests)

    async def say(self, sentence: Sentence) -> Said:
        """Wait until the bot has finished, speak, and wait for the reply to begin."""
        await self.until_finished()
        begun_s = time.monotonic()
        self.media.speech += sentence.pcm
        await self._until(lambda: not self.media.speech, SENTENCE_WITHIN_S)
        ended_s = self.media.spoke_at_s
        await self._until(lambda: self._onset(ended_s) is not None or self.hung_up, REPLY_WITHIN_S)
        first_s = self._onset(ended_s)
        cut_off = any(begun_s + ONSET_S < onset_s < ended_s for onset_s in self._onsets)
        return Said(sentence, None if first_s is None else first_s - ended_s, cut_off)

    async def interrupt(self, sentence: Sentence) -> tuple[float, float]:
        """Speak now, whatever the bot does; the instants of the first and the last sample."""
        begun_s = time.monotonic()
        self.media.speech += sentence.pcm
        await self._until(lambda: not self.media.speech, SENTENCE_WITHIN_S)
        return begun_s, self.media.spoke_at_s

    def silent_after(self, begin_s: float, until_s: float) -> float | None:
        """Seconds from an instant to the bot's last sound before a silence; None when there was none in time."""
        self._listen()
        last_s = begin_s
        for first_s, end_s in self._sounds:
            if end_s <= begin_s:
                continue
            if first_s - last_s > STOPPED_S:
                break
            last_s = end_s
        return None if last_s > until_s else last_s - begin_s

    async def until_finished(self) -> None:
        """Until the bot has been heard and then was silent for `GAP_S`, or has hung up."""
        began_s = time.monotonic()

        def finished() -> bool:
            self._listen()
            last = self._sound_until_s
            return self.hung_up or (last is not None and time.monotonic() - max(last, began_s - GAP_S) > GAP_S)

        await self._until(finished, 90.0)

    def holes(self) -> int:
        """How often the voice was torn off in full sound and came back within half a second: audio that came late."""
        pcm = np.concatenate([np.zeros(0, np.int16), *self._heard])
        silent = np.abs(pcm.astype(np.int32)) <= _A_LAW_SILENCE
        edges = np.flatnonzero(np.diff(np.concatenate([[0], silent.view(np.int8), [0]])))
        found = 0
        for start, stop in edges.reshape(-1, 2):
            torn = start > 20 and np.abs(pcm[start - 20 : start].astype(np.int32)).max() > LOUD_END
            found += torn and FRAME_SAMPLES // 2 <= stop - start < SAMPLE_RATE_HZ // 2 and stop < len(pcm)
        return int(found)

    def forget(self) -> None:
        """Drop what was heard so far, in a call that lasts for hours."""
        self._listen()
        del self.media.packets[:], self._sounds[:], self._onsets[:], self._heard[:]
        self._looked_at = 0

    async def _until(self, done: Callable[[], bool], within_s: float) -> bool:
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            if done():
                return True
            await asyncio.sleep(_POLL_S)
        return False

    def _listen(self) -> None:
        for packet in self.media.packets[self._looked_at :]:
            samples = np.frombuffer(decode_a_law(packet.payload), "<i2")
            self._heard.append(samples)
            level = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
            if 20 * np.log10(level / 32768 + 1e-9) > SOUND_DBFS:
                # What is in a packet is heard from its arrival on: the sound begins where its loud part does.
                loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > level / 2)
                first_s = packet.at_s + loud[0] / SAMPLE_RATE_HZ
                if self._sound_until_s is None or first_s - self._sound_until_s > ONSET_S:
                    self._onsets.append(first_s)
                self._sound_until_s = packet.at_s + FRAME_MS / 1000
                self._sounds.append((first_s, self._sound_until_s))
        self._looked_at = len(self.media.packets)

    def _onset(self, after_s: float) -> float | None:
        self._listen()
        return next((onset_s for onset_s in self._onsets if onset_s >= after_s), None)
