"""Who called is covered in views and left out for departments when it must be."""

from dataclasses import replace

import pytest

from dialog.privacy import for_department, mask_draft, mask_name, mask_phone, mask_text, secret
from tests.support.nouns import full_draft
from voicebot.core.ticket import Address, Confidentiality, TicketDraft, TicketType

DRAFT = TicketDraft(
    type=TicketType.COMPLAINT,
    what="我叫李建国，电话13800138000，楼下太吵",
    title="关于噪音的投诉",
    summary="李建国反映楼下太吵",
    address=Address(spoken="南昌路3号院501", road="南昌路", number="3号院", room="501"),
    caller_name="李建国",
    caller_phone="13800138000",
    sources=(("what", "我叫李建国，电话13800138000"),),
)


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800138000", "138****8000"), ("63938888", "******88"), ("12345", "***45"), ("110", "***"), ("", "")],
)
def test_a_number_keeps_its_ends_and_a_short_one_less(number: str, shown: str) -> None:
    assert mask_phone(number) == shown


@pytest.mark.parametrize(("name", "shown"), [("王建国", "王**"), ("李四", "李*"), ("王", "王"), ("", "")])
def test_a_name_keeps_its_family(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("我电话是13800138000", "我电话是138****8000"),
        ("打13800138000找我", "打138****8000找我"),
        ("幺三八零零幺三八零零零", "幺三八****八零零零"),
        ("138 0013 8000，", "138******8000，"),
        ("身份证41030519900101123X", "身份证410***********123X"),
        ("我叫王建国", "我叫王**"),
        ("我叫李建国，路灯坏了", "我叫李**，路灯坏了"),
        ("免贵姓欧阳", "免贵姓欧*"),
        ("my name is John Smith, the street light is broken", "my name is J*********, the street light is broken"),
        ("南昌路三号院路灯坏了", "南昌路三号院路灯坏了"),
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


def test_a_department_does_not_see_who_complained() -> None:
    seen = for_department(DRAFT)
    assert "李建国" not in str(seen)
    assert "8000" not in seen.caller_phone
    assert seen.address.room == ""
    assert seen.address.road == "南昌路"
    assert seen.sources == ()
    assert "501" not in str(seen)


def test_a_secret_ticket_without_a_matter_yet_hides_its_caller_all_the_same() -> None:
    assert for_department(replace(DRAFT, what="")).caller_phone == ""


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({"type": TicketType.HELP}, False),
        ({"type": TicketType.HELP, "confidentiality": Confidentiality.CONFIDENTIAL}, True),
        ({"confidentiality": Confidentiality.OPEN}, False),
        ({"type": TicketType.HELP, "anonymous": True}, True),
        ({"type": TicketType.REPORT}, True),
    ],
)
def test_secrecy_is_asked_for_or_implied(changes: dict[str, object], hidden: bool) -> None:
    draft = replace(DRAFT, **changes)  # type: ignore[arg-type]
    assert secret(draft) is hidden
    assert (for_department(draft) == draft) is not hidden
