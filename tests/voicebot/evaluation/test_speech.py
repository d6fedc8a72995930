import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.fakes.clock import FakeClock
from tests.fakes.recogniser import FakeRecogniser
from voicebot.core.errors import ConfigurationError
from voicebot.evaluation.speech import (
    Condition,
    comparable,
    edit_distance,
    evaluate_speech,
    read_manifest,
    read_recording,
    spoil,
    words_in,
)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    rows = []
    for name, text, dialect in (("a", "路灯坏了", "mandarin"), ("b", "路灯坏了", "henan"), ("c", "停水三天", "henan")):
        soundfile.write(tmp_path / f"{name}.wav", rng.normal(0, 0.1, 16000).astype(np.float32), 16000)
        rows.append(json.dumps({"file": f"{name}.wav", "text": text, "dialect": dialect}, ensure_ascii=False))
    path = tmp_path / "manifest.jsonl"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


async def test_errors_are_counted_by_dialect(manifest: Path) -> None:
    recogniser = FakeRecogniser("路灯坏了。", "路等坏", "停水3天")
    score = await evaluate_speech(recogniser, read_manifest(manifest), Condition(), FakeClock())
    report = score.report()
    assert report["by_dialect"] == {"henan": 25.0, "mandarin": 0.0}
    assert report["cer"] == pytest.approx(100 * 2 / 12, abs=0.01)
    assert (report["n"], report["runaway"]) == (3, 0)


async def test_words_of_the_city_are_counted_where_they_were_said(manifest: Path) -> None:
    recogniser = FakeRecogniser("路灯坏了。", "路等坏了", "停水三天")
    vocabulary = ("路灯", "停水", "供暖")
    score = await evaluate_speech(recogniser, read_manifest(manifest), Condition(), FakeClock(), vocabulary=vocabulary)
    assert score.report()["words"] == {"right": 66.67, "n": 3}


def test_the_longest_word_is_the_one_that_was_said() -> None:
    assert words_in("西工区王城大道上王城公园", {"王城", "王城大道", "西工区"}) == ["西工区", "王城大道", "王城"]
    assert words_in("路灯", ()) == []


async def test_a_text_without_end_is_a_runaway(manifest: Path) -> None:
    score = await evaluate_speech(
        FakeRecogniser("坏了" * 60), read_manifest(manifest), Condition(), FakeClock(), limit=1
    )
    assert score.report()["runaway"] == 1
    assert score.report()["n"] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("一九九零年", "1990年"), ("三十五块", "35块"), ("Ｏ Ｋ，好！", "ok好"), ("二百米", "200米")],
)
def test_the_same_words_compare_equal_however_they_are_written(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


def test_distance_counts_replaced_missing_and_extra_characters() -> None:
    assert edit_distance("路灯坏了", "路灯坏了") == 0
    assert edit_distance("路灯坏了", "路等坏了啊") == 2
    assert edit_distance("路灯", "") == 2


def test_the_telephone_takes_away_what_it_takes_away() -> None:
    time_s = np.arange(16000) / 16000
    for pitch, passes in ((100, False), (1000, True), (5000, False)):
        tone = (0.3 * np.sin(2 * np.pi * pitch * time_s)).astype(np.float32)
        narrow, rate_hz = spoil(tone, 16000, Condition(narrowband=True), ())
        assert rate_hz == 8000
        assert (float(np.std(narrow[800:-800])) > 0.1) is passes


def test_babble_is_the_same_at_every_run_and_as_loud_as_asked() -> None:
    rng = np.random.default_rng(3)
    voice, other = (rng.normal(0, 0.1, 8000).astype(np.float32) for _ in range(2))
    noisy, _ = spoil(voice, 8000, Condition(babble_db=10), [other])
    again, _ = spoil(voice, 8000, Condition(babble_db=10), [other])
    assert np.array_equal(noisy, again)
    ratio_db = 20 * np.log10(np.std(voice) / np.std(noisy - voice))
    assert ratio_db == pytest.approx(10, abs=0.3)


def test_a_wrong_line_of_a_manifest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"file": "a.wav", "text": "x"}\n{"file": 3}\n', "utf-8")
    with pytest.raises(ConfigurationError, match=r"m\.jsonl:2"):
        read_manifest(path)


def test_a_file_that_is_no_audio_says_so(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("dear sir", "utf-8")
    for wrong in (path, tmp_path / "absent.wav"):
        with pytest.raises(ConfigurationError) as raised:
            read_recording(wrong)
        assert raised.value.code == "audio_unreadable"
