"""A clause is rendered once; what is personal never reaches the disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from voicebot.core.errors import SynthesisError
from voicebot.tts.cached import CachedSynthesiser


class CountingVoice:
    """Its audio is its text; it counts what it was asked to say."""

    name = "counting"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.broken = False

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        self.said.append(text)
        if self.broken:
            raise SynthesisError("broken", code="voice_died")
        sound = text.encode("utf-16-le")
        yield sound[:2]
        yield sound[2:]


async def heard(voice: CachedSynthesiser, text: str) -> bytes:
    return b"".join([piece async for piece in voice.speak(text)])


def clips(folder: Path) -> list[Path]:
    return list(folder.glob("*.alaw"))


async def started(inner: CountingVoice, folder: Path, **more: int | str) -> CachedSynthesiser:
    voice = CachedSynthesiser(inner, folder, **more)  # type: ignore[arg-type]
    await voice.start()
    return voice


async def test_a_known_clause_is_not_made_again(tmp_path: Path) -> None:
    inner = CountingVoice()
    voice = await started(inner, tmp_path)
    assert await heard(voice, "好的，已经为您登记了张三的诉求。") == await heard(
        voice, "好的，已经为您登记了张三的诉求。"
    )
    await heard(voice, "好的，请您稍等一会儿可以吗？")
    assert inner.said.count("好的，") == 1


async def test_what_was_not_declared_never_reaches_the_disk(tmp_path: Path) -> None:
    voice = await started(CountingVoice(), tmp_path)
    await heard(voice, "您的电话是一三九三七九。")
    assert clips(tmp_path) == []
    await voice.prerender(["请讲。"])
    assert len(clips(tmp_path)) == 1


async def test_a_new_process_finds_what_an_earlier_one_rendered(tmp_path: Path) -> None:
    first = await started(CountingVoice(), tmp_path)
    assert await first.prerender(["您好，请讲。", "请讲。"]) == 2
    inner, told = CountingVoice(), []
    second = await started(inner, tmp_path)
    assert await second.prerender(["您好，请讲。"], lambda done, total: told.append((done, total))) == 0
    assert (inner.said, told) == ([], []), "nothing is told when all are there"


async def test_another_speed_is_another_sound(tmp_path: Path) -> None:
    await (await started(CountingVoice(), tmp_path, fingerprint="1.0")).prerender(["请讲。"])
    inner = CountingVoice()
    assert await (await started(inner, tmp_path, fingerprint="1.2")).prerender(["请讲。"]) == 1


async def test_progress_counts_what_has_to_be_made_and_each_waits_for_its_turn(tmp_path: Path) -> None:
    voice = await started(CountingVoice(), tmp_path)
    await voice.prerender(["请讲。"])
    told, turns = [], []

    async def turn() -> None:
        turns.append(len(told))

    await voice.prerender(["请讲。", "再见。", "您好。"], lambda done, total: told.append((done, total)), turn)
    assert told == [(1, 2), (2, 2)]
    assert turns == [0, 1]


async def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    await (await started(CountingVoice(), tmp_path)).prerender(["请讲。"])
    (clip,) = clips(tmp_path)
    clip.write_bytes(clip.read_bytes()[:-1] + b"?")
    inner = CountingVoice()
    assert await (await started(inner, tmp_path)).prerender(["请讲。"]) == 1


async def test_a_cache_that_cannot_be_used_costs_time_and_not_the_service(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    voice = await started(CountingVoice(), tmp_path / "file")
    voice.declare(["请讲。"])
    assert await heard(voice, "请讲。")


async def test_memory_is_bounded_and_the_longest_unused_goes(tmp_path: Path) -> None:
    inner = CountingVoice()
    voice = await started(inner, tmp_path, memory_bytes=20)  # three clauses of three characters
    for text in ("一二。", "三四。", "五六。", "一二。", "七八。", "一二。"):
        await heard(voice, text)
    assert inner.said == ["一二。", "三四。", "五六。", "七八。"]


async def test_half_a_clause_is_not_kept_and_the_error_is_told(tmp_path: Path) -> None:
    inner = CountingVoice()
    voice = await started(inner, tmp_path)
    pieces = voice.speak("请讲。")
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    assert await heard(voice, "请讲。") == "请讲。".encode("utf-16-le")
    inner.broken = True
    with pytest.raises(SynthesisError, match="broken"):
        await heard(voice, "再见。")
