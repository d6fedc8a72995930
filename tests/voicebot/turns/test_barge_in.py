from voicebot.core.frames import FRAME_SAMPLES
from voicebot.turns.barge_in import BargeIn, Floor
from voicebot.turns.settings import TurnSettings

SETTINGS = TurnSettings(duck_ms=100, interrupt_ms=500, release_ms=300)


class Line:
    """The caller's side while the bot speaks."""

    def __init__(self, *, interruptible: bool = True, speaking: bool = True):
        self.barge_in = BargeIn(SETTINGS)
        self.position = 0
        if speaking:
            self.barge_in.bot_begins(interruptible=interruptible)

    def sound(self, speech: float, ms: float) -> list[Floor]:
        said = []
        for _ in range(round(ms / 20)):
            said.append(self.barge_in.push(speech, self.position))
            self.position += FRAME_SAMPLES
        return [floor for floor in said if floor is not Floor.NONE]


def test_a_voice_holds_the_bot_at_once_and_its_words_stop_it() -> None:
    line = Line()
    assert line.sound(0.9, 100) == [Floor.DUCK]
    assert line.barge_in.held
    assert line.sound(0.9, 300) == []
    assert line.barge_in.hear("我不是问这个") is Floor.STOP
    assert not line.barge_in.held


def test_a_long_voice_stops_it_when_the_recogniser_is_late() -> None:
    line = Line()
    line.sound(0.9, 400)
    assert line.sound(0.9, 100) == [Floor.STOP]


def test_a_held_bot_waits_for_the_words_of_what_was_said_and_not_forever() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.sound(0.0, 700) == []
    assert line.sound(0.0, 200) == [Floor.RESUME]


def test_two_characters_stop_it_when_the_voice_ended_behind_them() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.barge_in.hear("什么") is Floor.NONE
    assert line.sound(0.0, 300) == [Floor.STOP]


def test_a_television_is_passed_over_until_it_says_something() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.barge_in.hear("") is Floor.NONE
    assert line.sound(0.9, 300) == [Floor.RESUME]
    assert line.sound(0.9, 3000) == []
    assert line.barge_in.hear("你们管不管") is Floor.STOP


def test_what_is_made_of_a_crowd_is_not_words() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.barge_in.hear("楼下的小大级队", 0.12) is Floor.NONE
    assert line.sound(0.0, 300) == [Floor.RESUME]


def test_what_is_short_and_badly_heard_is_a_listeners_sound_unless_it_asks_for_the_floor() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.barge_in.hear("冤定了", 0.44) is Floor.NONE
    assert line.barge_in.hear("等一下", 0.44) is Floor.STOP


def test_what_was_badly_heard_of_a_long_sentence_interrupts() -> None:
    settings = TurnSettings(interrupt_ms=9000)
    barge_in, position = BargeIn(settings), 0
    barge_in.bot_begins()
    for _ in range(60):
        barge_in.push(0.9, position)
        position += FRAME_SAMPLES
    assert barge_in.hear("你停不动给我证明", 0.46) is Floor.STOP


def test_a_cough_lets_the_bot_go_on() -> None:
    line = Line()
    assert line.sound(0.9, 200) == [Floor.DUCK]
    assert line.barge_in.hear("") is Floor.NONE
    assert line.sound(0.0, 400) == [Floor.RESUME]
    assert line.sound(0.9, 80) + line.sound(0.0, 400) == []


def test_two_coughs_far_apart_do_not_add_up() -> None:
    line = Line()
    assert line.sound(0.9, 300) + line.sound(0.0, 900) == [Floor.DUCK, Floor.RESUME]
    assert line.sound(0.9, 300) == [Floor.DUCK]


def test_a_word_that_takes_the_floor_stops_the_bot() -> None:
    line = Line()
    line.sound(0.9, 200)
    assert line.barge_in.hear("等一下") is Floor.STOP


def test_three_characters_of_anything_stop_the_bot() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.barge_in.hear("我想") is Floor.NONE
    assert line.barge_in.hear("我想问") is Floor.STOP


def test_a_listeners_sound_does_not_stop_the_bot() -> None:
    line = Line()
    line.sound(0.9, 300)
    assert line.barge_in.hear("嗯，对") is Floor.NONE
    assert line.sound(0.9, 300) == []
    assert line.sound(0.0, 400) == [Floor.RESUME]


def test_an_endless_listener_does_stop_it() -> None:
    line = Line()
    line.sound(0.9, 300)
    line.barge_in.hear("对对对")
    assert line.sound(0.9, 800) == [Floor.STOP]


def test_words_without_a_voice_are_the_bots_own() -> None:
    assert Line().barge_in.hear("等一下") is Floor.NONE


def test_a_notice_is_not_cut_by_voice_but_by_a_key() -> None:
    line = Line(interruptible=False)
    assert line.sound(0.9, 2000) == []
    assert line.barge_in.hear("别说了") is Floor.NONE
    assert line.barge_in.press() is Floor.STOP


def test_nothing_happens_while_the_bot_is_silent() -> None:
    line = Line(speaking=False)
    assert line.sound(0.9, 1000) == []
    assert line.barge_in.hear("等一下") is Floor.NONE
    assert line.barge_in.press() is Floor.NONE


def test_what_was_said_over_one_sentence_does_not_count_for_the_next() -> None:
    line = Line()
    line.sound(0.9, 80)
    line.barge_in.bot_ends()
    line.barge_in.bot_begins()
    assert line.sound(0.9, 80) == []
