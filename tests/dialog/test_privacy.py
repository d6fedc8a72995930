"""Who called is covered in views and left out for departments when it must be."""

from dataclasses import replace

import pytest

from dialog.privacy import for_department, masked_identity, masked_name, masked_phone, masked_text, secret
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
    ("text", "covered"),
    [
        ("我电话幺三八零零幺三八零零零", "我电话138****8000"),
        ("打13800138000找我", "打138****8000找我"),
        ("身份证410305199001011234", "身份证410305********1234"),
        ("我叫李建国，路灯坏了", "我叫李**，路灯坏了"),
        ("南昌路三号院路灯坏了", "南昌路三号院路灯坏了"),
    ],
)
def test_numbers_and_names_are_covered_in_texts(text: str, covered: str) -> None:
    assert masked_text(text) == covered


def test_short_numbers_are_covered_too() -> None:
    assert masked_phone("63912345") == "******45"
    assert masked_phone("12") == "**"
    assert masked_identity("1234567890") == "**********"
    assert masked_name("王") == "王"


def test_a_department_does_not_see_who_complained() -> None:
    seen = for_department(DRAFT)
    assert "李建国" not in str(seen)
    assert "8000" not in seen.caller_phone
    assert seen.address.room == ""
    assert seen.address.road == "南昌路"
    assert seen.sources == ()


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
