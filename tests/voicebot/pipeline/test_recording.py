from collections.abc import AsyncIterator

from tests.fakes.clock import FakeClock
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, AudioFrame
from voicebot.core.ports import Played
from voicebot.pipeline.recording import RecordedLine


class SteppedLine:
    """A line whose sending is moved by hand."""

    def __init__(self) -> None:
        self.start = CallStart("c", Channel.WAV, FakeClock().now(), "t")
        self.end: CallEnd | None = None
        self.written = self.heard = self.flushed = 0
        self.steps: list[int] = []  # samples that leave before each caller frame

    async def frames(self) -> AsyncIterator[AudioFrame]:
        for number, step in enumerate(self.steps):
            self.heard += step
            yield AudioFrame(bytes([number]) * FRAME_BYTES, number * FRAME_SAMPLES)

    async def digits(self) -> AsyncIterator[str]:
        yield "1"

    async def play(self, pcm: bytes) -> None:
        self.written += len(pcm) // 2

    def flush(self) -> Played:
        self.flushed = self.written - self.heard
        return self.played()

    def played(self) -> Played:
        return Played(self.written, self.heard, self.flushed)

    async def transfer(self, target: str) -> str:
        return "answered"

    async def hang_up(self) -> None:
        self.end = CallEnd.BOT_HUNG_UP


class Tape:
    def __init__(self) -> None:
        self.caller_track: list[tuple[int, bytes]] = []
        self.bot_track: list[tuple[int, bytes]] = []

    def caller(self, position: int, pcm: bytes) -> None:
        self.caller_track.append((position, pcm))

    def bot(self, position: int, pcm: bytes) -> None:
        self.bot_track.append((position, pcm))

    async def close(self) -> None:
        pass


A, B, C = (bytes([letter]) * FRAME_BYTES for letter in b"ABC")


async def test_the_bot_is_recorded_where_it_was_heard() -> None:
    line, tape = SteppedLine(), Tape()
    recorded = RecordedLine(line, tape)
    await recorded.play(A)
    await recorded.play(B)
    line.steps = [0, FRAME_SAMPLES, 0, FRAME_SAMPLES]
    frames = [frame async for frame in recorded.frames()]
    assert len(frames) == 4
    assert [position for position, _ in tape.caller_track] == [0, 160, 320, 480]
    assert tape.bot_track == [(160, A), (480, B)]


async def test_what_was_flushed_is_not_recorded() -> None:
    line, tape = SteppedLine(), Tape()
    recorded = RecordedLine(line, tape)
    for pcm in (A, B, C):
        await recorded.play(pcm)
    line.steps = [FRAME_SAMPLES]
    [_ async for _ in recorded.frames()]
    line.heard += 40  # half a frame more leaves before the flush
    recorded.flush()
    await recorded.play(C)
    line.steps = [40, FRAME_SAMPLES - 40]
    [_ async for _ in recorded.frames()]
    heard = b"".join(pcm for _, pcm in tape.bot_track)
    assert heard == A + B[:80] + C[: 2 * (FRAME_SAMPLES)][: len(heard) - FRAME_BYTES - 80]
    assert len(heard) == 2 * (FRAME_SAMPLES + 40 + 40 + FRAME_SAMPLES - 40)


async def test_everything_else_is_the_line_s_own() -> None:
    line = SteppedLine()
    recorded = RecordedLine(line, Tape())
    assert recorded.start is line.start
    assert [digit async for digit in recorded.digits()] == ["1"]
    assert await recorded.transfer("x") == "answered"
    assert recorded.end is None
    await recorded.hang_up()
    assert recorded.end is CallEnd.BOT_HUNG_UP
    assert recorded.played() == Played(0, 0, 0)


async def test_a_secret_answer_is_silent_on_the_tape_and_heard_all_the_same() -> None:
    line, tape, secret = SteppedLine(), Tape(), [False, True, True, False]
    line.steps = [0] * 4
    recorded = RecordedLine(line, tape, lambda: secret[len(tape.caller_track)])
    heard = [frame.pcm async for frame in recorded.frames()]
    assert heard == [bytes([number]) * FRAME_BYTES for number in range(4)]
    silence = bytes(FRAME_BYTES)
    assert [pcm for _, pcm in tape.caller_track] == [heard[0], silence, silence, heard[3]]
