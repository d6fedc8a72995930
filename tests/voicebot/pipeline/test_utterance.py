from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES
from voicebot.pipeline.frames import SpeakFrame
from voicebot.pipeline.utterance import Utterance

TEXT = "您反映的问题已经记下，我们会尽快处理。"


def made(samples: int, text: str = TEXT) -> Utterance:
    return Utterance(SpeakFrame(text=text), audio=bytearray(samples * 2), made=True)


def hand_on_all(utterance: Utterance) -> int:
    count = 0
    while utterance.next_frame() is not None:
        count += 1
    return count


def test_frames_are_handed_on_only_once_they_are_whole() -> None:
    utterance = Utterance(SpeakFrame(text=TEXT), audio=bytearray(FRAME_BYTES + 10))
    assert utterance.next_frame() == bytes(FRAME_BYTES)
    assert utterance.next_frame() is None
    utterance.made = True
    assert utterance.next_frame() == bytes(FRAME_BYTES)
    assert utterance.handed_all
    assert utterance.samples == 2 * FRAME_SAMPLES


def test_all_of_the_text_was_spoken_once_all_of_the_audio_was_heard() -> None:
    utterance = made(10 * FRAME_SAMPLES)
    utterance.first = 1000
    assert hand_on_all(utterance) == 10
    assert utterance.heard_all(1000 + 10 * FRAME_SAMPLES)
    assert utterance.spoken(1000 + 10 * FRAME_SAMPLES) == TEXT


def test_what_was_heard_is_cut_back_to_a_whole_clause() -> None:
    utterance = made(100 * FRAME_SAMPLES)
    first, second = "您反映的问题已经记下，", "我们会尽快处理。"
    utterance.clauses = [(first, 0, 60 * FRAME_SAMPLES), (second, 60 * FRAME_SAMPLES, 100 * FRAME_SAMPLES)]
    hand_on_all(utterance)
    assert utterance.spoken(70 * FRAME_SAMPLES) == first
    assert utterance.spoken(55 * FRAME_SAMPLES) == first
    assert utterance.spoken(20 * FRAME_SAMPLES) == ""
    assert utterance.spoken(0) == ""


def test_a_voice_that_is_still_being_made_was_heard_as_far_as_it_came() -> None:
    utterance = Utterance(SpeakFrame(text=TEXT), audio=bytearray(8000 * 2 * 3))
    utterance.clauses = [("您反映的问题已经记下，", 0, 8000 * 3)]
    hand_on_all(utterance)
    assert utterance.spoken(8000 * 3) == "您反映的问题已经记下，"


def test_after_a_rewind_the_unheard_rest_is_handed_on_again() -> None:
    utterance = made(10 * FRAME_SAMPLES)
    utterance.first = 500
    hand_on_all(utterance)
    utterance.rewind(500 + 4 * FRAME_SAMPLES)
    assert hand_on_all(utterance) == 6
    utterance.rewind(0)
    assert utterance.handed == 0


def test_an_empty_text_is_over_as_soon_as_it_is_made() -> None:
    assert made(0, text="").heard_all(0)
