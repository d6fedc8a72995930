"""What every `Line` promises, asked of the fake and of every real one."""

import asyncio

import numpy as np
import pytest

from tests.support.line_ends import KINDS, far_end
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.frames import FRAME_SAMPLES, AudioFrame, ms_to_samples
from voicebot.core.ports import Line

pytestmark = pytest.mark.parametrize("kind", KINDS)


async def all_frames(line: Line) -> list[AudioFrame]:
    return [frame async for frame in line.frames()]


async def all_digits(line: Line) -> list[str]:
    return [digit async for digit in line.digits()]


async def test_frames_are_20_ms_each_and_leave_no_hole(kind: str):
    async with far_end(kind) as far:
        reading = asyncio.create_task(all_frames(far.line))
        await far.speak(tone((440,), 300))
        await far.hang_up()
        frames = await reading
        assert [frame.position for frame in frames] == [n * FRAME_SAMPLES for n in range(len(frames))]
        assert {frame.samples for frame in frames} == {FRAME_SAMPLES}
        heard = np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2").astype(int)
        assert np.count_nonzero(np.abs(heard) > 2000) > 0.4 * ms_to_samples(300)


async def test_keys_arrive_in_order_and_end_with_the_call(kind: str):
    async with far_end(kind) as far:
        reading = asyncio.create_task(all_digits(far.line))
        await far.press("12#")
        await far.wait(60)
        await far.hang_up()
        assert await asyncio.wait_for(reading, 2) == ["1", "2", "#"]


async def test_what_is_played_is_heard(kind: str):
    async with far_end(kind) as far:
        speech = tone((440,), 120)
        await far.line.play(speech)
        await far.wait(400)
        assert np.count_nonzero(np.abs(far.heard().astype(int)) > 2000) > 0.4 * ms_to_samples(120)
        played = far.line.played()
        assert (played.written, played.heard, played.flushed) == (len(speech) // 2, len(speech) // 2, 0)


async def test_a_full_buffer_makes_the_writer_wait(kind: str):
    async with far_end(kind) as far:
        await far.wait(100)
        speaking = asyncio.create_task(far.line.play(tone((440,), 2000)))
        await far.wait(200)
        assert not speaking.done()
        far.line.flush()
        await asyncio.wait_for(speaking, 1)


async def test_a_flush_accounts_for_every_sample(kind: str):
    async with far_end(kind) as far:
        await far.wait(100)
        speaking = asyncio.create_task(far.line.play(tone((440,), 2000)))
        await far.wait(300)
        flushed = far.line.flush()
        await speaking
        assert flushed.written == ms_to_samples(2000)
        assert flushed.written == flushed.heard + flushed.flushed
        assert ms_to_samples(150) <= flushed.heard <= ms_to_samples(420)
        await far.wait(200)
        assert far.line.played() == flushed


async def test_a_flush_with_nothing_to_flush_does_no_harm(kind: str):
    async with far_end(kind) as far:
        await far.wait(100)
        assert far.line.flush().flushed == 0
        await far.line.play(tone((440,), 100))
        await far.wait(400)
        assert far.line.played().heard == ms_to_samples(100)


async def test_a_cancelled_writer_leaves_the_counts_true(kind: str):
    async with far_end(kind) as far:
        await far.wait(100)
        speaking = asyncio.create_task(far.line.play(tone((440,), 2000)))
        await far.wait(100)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        await far.wait(500)
        played = far.line.played()
        assert played.written == played.heard + played.flushed == ms_to_samples(2000)


async def test_the_caller_hangs_up(kind: str):
    async with far_end(kind) as far:
        assert far.line.end is None
        speaking = asyncio.create_task(far.line.play(tone((440,), 2000)))
        await far.wait(100)
        await far.hang_up()
        await asyncio.wait_for(speaking, 1)
        assert far.line.end is CallEnd.CALLER_HUNG_UP
        played = far.line.played()
        assert played.written == played.heard + played.flushed


async def test_the_bot_hangs_up_and_may_do_so_again(kind: str):
    async with far_end(kind) as far:
        await far.line.hang_up()
        await far.line.hang_up()
        assert far.line.end is CallEnd.BOT_HUNG_UP
        await asyncio.wait_for(all_frames(far.line), 1)
        assert await asyncio.wait_for(all_digits(far.line), 1) == []
        await asyncio.wait_for(far.line.play(bytes(320)), 1)
        assert far.line.played().flushed >= FRAME_SAMPLES


async def test_every_call_has_an_identity_of_its_own(kind: str):
    async with far_end(kind) as far:
        start = far.line.start
        assert start.call_id
        assert start.answered_at.tzinfo is not None
        assert start.dialled_number == "12345"
