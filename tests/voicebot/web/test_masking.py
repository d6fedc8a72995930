"""What is shown of personal data."""

import pytest

from tests.support.nouns import full_draft
from voicebot.web.masking import mask_draft, mask_name, mask_phone, mask_text


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800138000", "138****8000"), ("63938888", "639*8888"), ("12345", "1**45"), ("110", "***"), ("", "")],
)
def test_a_phone_keeps_its_ends(number: str, shown: str) -> None:
    assert mask_phone(number) == shown


@pytest.mark.parametrize(("name", "shown"), [("王建国", "王**"), ("李四", "李*"), ("王", "王"), ("", "")])
def test_a_name_keeps_its_family(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("我电话是13800138000", "我电话是138****8000"),
        ("幺三八零零幺三八零零零", "幺三八****八零零零"),
        ("138 0013 8000，", "138******8000，"),
        ("身份证41030519900101123X", "身份证410***********123X"),
        ("我叫王建国", "我叫王**"),
        ("路灯坏了三天，门牌号12号", "路灯坏了三天，门牌号12号"),
        ("工单二十三号", "工单二十三号"),
    ],
)
def test_a_sentence_loses_numbers_and_names(said: str, shown: str) -> None:
    assert mask_text(said) == shown


def test_known_names_go_from_sentences() -> None:
    assert mask_text("王建国说楼道没灯", "王建国", "") == "王**说楼道没灯"


def test_a_draft_keeps_the_matter_and_loses_the_caller() -> None:
    shown = mask_draft(full_draft())
    assert (shown.caller_name, shown.caller_phone) == ("王**", "138****8000")
    assert shown.what == full_draft().what
    assert shown.dispatch == full_draft().dispatch


def test_what_the_bot_says_of_itself_is_no_name_and_a_number_it_reads_back_is_masked() -> None:
    said = "我是智能语音助手，您的电话是13937912345。"
    assert mask_text(said, introduces=False) == "我是智能语音助手，您的电话是139****2345。"
