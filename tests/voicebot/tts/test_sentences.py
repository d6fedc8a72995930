"""A reply cut where a speaker breathes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.tts.sentences import CLAUSE_CHARACTERS, LONGEST_CHARACTERS, split_clauses, spoken_characters


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", ()),
        ("……", ()),
        ("您好。", ("您好。",)),
        ("好的，请稍等。", ("好的，请稍等。",)),
        ("您好，这里是洛阳12345热线，请讲。", ("您好，", "这里是洛阳12345热线，", "请讲。")),
        ("您好。请讲。", ("您好。", "请讲。")),
        ("共12,000元，18:30截止。", ("共12,000元，", "18:30截止。")),
        ("他说：“快来！”然后走了。", ("他说：“快来！”", "然后走了。")),
        ("Please hold the line.", ("Please hold the line.",)),
    ],
)
def test_it_is_cut_behind_marks_and_nowhere_else(text: str, clauses: tuple[str, ...]) -> None:
    assert split_clauses(text) == clauses


def test_an_enumeration_nobody_has_the_breath_for_is_cut_between_its_members() -> None:
    members = "、".join(["户口簿原件", "身份证复印件", "结婚证原件", "出生医学证明"] * 3) + "。"
    clauses = split_clauses(members)
    assert "".join(clauses) == members
    assert all(spoken_characters(clause) <= LONGEST_CHARACTERS for clause in clauses)
    assert all(clause.endswith(("、", "。")) for clause in clauses)


_TEXTS = st.text(st.sampled_from("您好请讲洛阳热线abc12。，、：；！？,:!?\n…”（） "), max_size=120)


@given(_TEXTS)
def test_every_sound_is_in_one_clause_in_order(text: str) -> None:
    def sounds(part: str) -> str:
        return "".join(character for character in part if character.isalnum())

    assert "".join(map(sounds, split_clauses(text))) == sounds(text)


@given(_TEXTS)
def test_a_clause_is_not_cut_again(text: str) -> None:
    """Who speaks and who remembers cut alike: a clause has one place in the cache."""
    for clause in split_clauses(text):
        assert split_clauses(clause) == (clause,)


@given(_TEXTS)
def test_short_breath_groups_share_a_clause_and_nothing_longer_is_made(text: str) -> None:
    for clause in split_clauses(text):
        groups = [group for group in clause.replace(",", "，").split("，") if spoken_characters(group)]
        if len(groups) > 1 and not any(a.isdigit() for a in clause):
            assert spoken_characters(clause) <= CLAUSE_CHARACTERS
