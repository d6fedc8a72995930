import pytest

from voicebot.core.frames import FRAME_SAMPLES, ms_to_samples
from voicebot.core.speech import Expect
from voicebot.core.turn import TurnEvent, TurnEventKind
from voicebot.turns.endpoint import AdaptiveEndpointer
from voicebot.turns.settings import TurnSettings

# Round numbers, so that a test can be read: the voice ends where the detector says it does.
SETTINGS = TurnSettings(release_lag_ms=0, pause_ms=100, onset_lead_ms=100, min_speech_ms=80, resume_ms=60, wait_ms=500)
STARTED, HUSHED, PAUSED, RESUMED, ENDED = (
    TurnEventKind.STARTED,
    TurnEventKind.HUSHED,
    TurnEventKind.PAUSED,
    TurnEventKind.RESUMED,
    TurnEventKind.ENDED,
)


class Caller:
    """Feeds an endpointer with voice and silence and notes what it says."""

    def __init__(self, settings: TurnSettings = SETTINGS):
        self.endpointer = AdaptiveEndpointer(settings)
        self.events: list[TurnEvent] = []
        self.position = 0

    def sound(self, speech: float, ms: float, level_dbfs: float | None = None) -> "Caller":
        for _ in range(round(ms / 20)):
            self.events += self.endpointer.push(speech, self.position, level_dbfs)
            self.position += FRAME_SAMPLES
        return self

    def speaks(self, ms: float) -> "Caller":
        return self.sound(0.9, ms)

    def is_silent(self, ms: float) -> "Caller":
        return self.sound(0.05, ms)

    @property
    def kinds(self) -> list[TurnEventKind]:
        return [event.kind for event in self.events]


def test_a_turn_begins_before_the_first_voiced_frame() -> None:
    caller = Caller().is_silent(1000).speaks(100)
    assert caller.events == [TurnEvent(STARTED, ms_to_samples(900))]


def test_a_click_begins_nothing() -> None:
    assert Caller().is_silent(200).speaks(60).is_silent(500).speaks(40).is_silent(500).events == []


def test_one_soft_frame_does_not_undo_a_beginning() -> None:
    assert Caller().speaks(40).is_silent(20).speaks(40).kinds == [STARTED]


def test_a_turn_never_begins_before_the_call() -> None:
    assert Caller().speaks(100).events[0].position == 0


def test_a_short_pause_is_noticed_and_taken_back() -> None:
    caller = Caller().speaks(400).is_silent(300).speaks(200)
    assert caller.kinds == [STARTED, PAUSED, RESUMED]
    assert caller.events[1].position == ms_to_samples(500)
    assert caller.events[1].speech_end == ms_to_samples(400)
    assert caller.events[2].position == ms_to_samples(700)


def test_a_long_silence_ends_the_turn_where_the_voice_ended() -> None:
    caller = Caller().speaks(400).is_silent(1000)
    assert caller.events[-1] == TurnEvent(ENDED, ms_to_samples(900), ms_to_samples(400))
    assert not caller.endpointer.in_turn


def test_a_cough_in_a_pause_does_not_take_it_back() -> None:
    caller = Caller().speaks(400).is_silent(200).speaks(40).is_silent(600)
    assert caller.kinds == [STARTED, PAUSED, ENDED]


def test_soft_syllables_keep_a_turn_going_but_do_not_begin_one() -> None:
    assert Caller().sound(0.4, 1000).events == []
    assert Caller().speaks(200).sound(0.4, 2000).kinds == [STARTED]


def test_the_detectors_lag_is_not_the_callers_silence() -> None:
    caller = Caller(SETTINGS.model_copy(update={"release_lag_ms": 100.0})).speaks(500).is_silent(1000)
    assert caller.events[-1] == TurnEvent(ENDED, ms_to_samples(900), ms_to_samples(400))


@pytest.mark.parametrize(
    ("expects", "wait_ms"),
    [
        (Expect.YES_NO, 300),
        (Expect.RATING, 300),
        (Expect.NAME, 460),
        (Expect.ANYTHING, 500),
        (Expect.TIME, 500),
        (Expect.ADDRESS, 700),
        (Expect.DIGITS, 800),
    ],
)
def test_the_question_sets_the_patience(expects: Expect, wait_ms: float) -> None:
    caller = Caller()
    caller.endpointer.expect(expects)
    caller.speaks(400).is_silent(1500)
    assert caller.events[-1].position == ms_to_samples(400 + wait_ms)


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [("我想反映那个", 900), ("请问怎么办理", 240), ("楼下烧烤摊很吵", 500), ("涧西区南昌路三号院", 900), ("", 500)],
)
def test_the_words_change_the_patience(text: str, wait_ms: float) -> None:
    caller = Caller().speaks(400).is_silent(200)
    caller.endpointer.hear(text)
    caller.is_silent(1500)
    assert caller.events[-1].position == ms_to_samples(400 + wait_ms)


def test_words_from_before_the_last_ones_do_not_end_a_turn() -> None:
    caller = Caller().speaks(200)
    caller.endpointer.hear("谢谢")
    caller.speaks(200).is_silent(1500)
    assert caller.events[-1].position == ms_to_samples(400 + 500)


def test_the_patience_has_an_end() -> None:
    caller = Caller()
    caller.endpointer.expect(Expect.DIGITS)
    caller.speaks(400).is_silent(200)
    caller.endpointer.hear("一三八")
    caller.is_silent(2000)
    assert caller.events[-1].position == ms_to_samples(400 + 1200)


def test_words_from_before_the_pause_are_forgotten_when_the_caller_goes_on() -> None:
    caller = Caller().speaks(400).is_silent(200)
    caller.endpointer.hear("谢谢")
    caller.speaks(400)
    assert caller.endpointer.wait_ms == 500


def test_words_between_turns_change_nothing() -> None:
    caller = Caller()
    caller.endpointer.hear("那个")
    assert caller.endpointer.wait_ms == 500


def test_a_caller_who_pauses_long_is_given_time() -> None:
    caller = Caller()
    for _ in range(3):
        caller.speaks(400).is_silent(460)
    caller.speaks(400).is_silent(520).speaks(400)
    assert ENDED not in caller.kinds


def test_going_on_right_after_the_end_teaches_patience() -> None:
    caller = Caller()
    for _ in range(3):
        caller.speaks(400).is_silent(700)
    assert caller.endpointer.wait_ms == pytest.approx(700 * 1.15)


def test_an_answer_to_the_next_question_teaches_nothing() -> None:
    caller = Caller()
    for _ in range(4):
        caller.speaks(400).is_silent(3000)
    assert caller.endpointer.wait_ms == 500


def test_a_new_turn_does_not_reach_back_into_the_last() -> None:
    caller = Caller(SETTINGS.model_copy(update={"onset_lead_ms": 2000.0})).speaks(400).is_silent(600).speaks(200)
    assert caller.events[-1] == TurnEvent(STARTED, ms_to_samples(400))


def test_a_television_does_not_hold_the_line_for_ever() -> None:
    caller = Caller(SETTINGS.model_copy(update={"max_turn_ms": 5000.0})).speaks(6000)
    assert caller.kinds == [STARTED, ENDED, STARTED]
    assert caller.events[1].position == ms_to_samples(5000)


def test_a_fall_of_the_level_is_noticed_before_the_detector_is_sure() -> None:
    caller = Caller().sound(0.9, 400, -20).sound(0.9, 100, -60).sound(0.05, 100, -60)
    assert caller.events[1:] == [
        TurnEvent(HUSHED, ms_to_samples(460), ms_to_samples(400)),
        TurnEvent(PAUSED, ms_to_samples(600), ms_to_samples(500)),
    ]


def test_a_gap_inside_a_word_is_taken_back() -> None:
    caller = Caller().sound(0.9, 400, -20).sound(0.9, 80, -60).sound(0.9, 200, -25)
    assert caller.events[1:] == [
        TurnEvent(HUSHED, ms_to_samples(460), ms_to_samples(400)),
        TurnEvent(RESUMED, ms_to_samples(480), ms_to_samples(400)),
    ]


def test_a_turn_that_lasts_too_long_does_not_end_in_a_lull() -> None:
    caller = Caller(SETTINGS.model_copy(update={"max_turn_ms": 1000.0})).sound(0.9, 900, -20).sound(0.9, 100, -60)
    assert caller.kinds == [STARTED, HUSHED, RESUMED, ENDED]


@pytest.mark.parametrize(("until_ms", "wait_ms"), [(500, 225), (480, 500)])
def test_what_was_heard_early_counts_when_it_reaches_to_the_end_of_the_voice(until_ms: int, wait_ms: float) -> None:
    caller = Caller().sound(0.9, 400, -20).sound(0.9, 100, -60)
    caller.endpointer.hear("没有了，谢谢。", until=ms_to_samples(until_ms))
    caller.is_silent(1000)
    assert caller.kinds == [STARTED, HUSHED, PAUSED, ENDED]
    assert caller.events[-1].position == pytest.approx(ms_to_samples(500 + wait_ms), abs=FRAME_SAMPLES)
