import pytest

from telephony.sip.addresses import caller_number, header_number, host_of, number_of


@pytest.mark.parametrize(
    ("header", "number"),
    [
        ('"张三" <sip:+8613800138000@ims.example;user=phone>;tag=1', "+8613800138000"),
        ("<sip:13800138000@10.0.0.1:5060>", "13800138000"),
        ("sip:13800138000:secret@10.0.0.1", "13800138000"),
        ("<tel:03791234567;phone-context=+86>", "03791234567"),
        ("<SIPS:12345@hotline.example>", "12345"),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>', ""),
        ("<sip:Restricted@10.0.0.1>", ""),
        ("<sip:13800138000@anonymous.invalid>", ""),
        ("<sip:10.0.0.1>", ""),
        ("", ""),
        ("garbage", ""),
    ],
)
def test_the_number_is_read_from_a_header(header: str, number: str):
    assert number_of(header) == number


def test_the_network_s_word_counts_more_than_the_caller_s():
    headers = {"from": "<sip:1@x>", "P-Asserted-Identity": "<sip:13800138000@ims>"}
    assert caller_number(headers, "sip:2@x") == "13800138000"


def test_without_an_asserted_identity_the_from_header_counts():
    assert caller_number({"From": "<sip:1@x>"}, "sip:2@x") == "1"
    assert caller_number({}, "sip:2@x") == "2"


def test_a_caller_who_asks_for_privacy_has_no_number():
    headers = {"P-Asserted-Identity": "<sip:13800138000@ims>", "Privacy": "id;critical"}
    assert caller_number(headers, "sip:2@x") == ""
    assert caller_number(headers | {"Privacy": "none"}, "sip:2@x") == "13800138000"


def test_headers_are_found_whatever_their_case():
    assert header_number({"diversion": "<sip:12315@x>;reason=unconditional"}, "Diversion") == "12315"
    assert header_number({}, "Diversion") == ""


def test_the_host_of_an_address_keeps_its_port():
    assert host_of("<sip:13800138000@10.0.0.1:5070;transport=tcp>") == "10.0.0.1:5070"
    assert host_of("nonsense") == ""
