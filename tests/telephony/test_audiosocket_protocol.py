import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audiosocket.protocol import Kind, Message, Parser

# Byte for byte as Asterisk sends them.
IDENTITY = bytes.fromhex("010010" + "40325ec25efd4bd3805f53576e581d13")
DIGIT_5 = bytes.fromhex("03000135")
HANG_UP = bytes.fromhex("000000")
SILENCE = bytes.fromhex("100140") + bytes(320)


def test_a_call_reads_as_it_was_sent():
    messages = Parser().push(IDENTITY + SILENCE + DIGIT_5 + HANG_UP)
    assert [message.kind for message in messages] == [Kind.IDENTITY, Kind.AUDIO, Kind.DIGIT, Kind.HANG_UP]
    assert messages[0].payload.hex() == "40325ec25efd4bd3805f53576e581d13"
    assert messages[1].payload == bytes(320)
    assert messages[2].payload == b"5"


def test_our_messages_are_what_the_protocol_wants():
    assert Message(Kind.AUDIO, bytes(320)).to_bytes() == SILENCE
    assert Message(Kind.HANG_UP).to_bytes() == HANG_UP


def test_a_kind_that_nobody_knows_is_passed_on_whole():
    assert Parser().push(bytes.fromhex("420002abcd") + HANG_UP) == [Message(0x42, b"\xab\xcd"), Message(0)]


@pytest.mark.parametrize("cut", range(len(IDENTITY + DIGIT_5)))
def test_messages_may_arrive_in_pieces(cut: int):
    parser, stream = Parser(), IDENTITY + DIGIT_5
    assert parser.push(stream[:cut]) + parser.push(stream[cut:]) == Parser().push(stream)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_in_any_pieces_give_the_same_messages(pieces: list[bytes]):
    parser = Parser()
    in_pieces = [message for piece in pieces for message in parser.push(piece)]
    assert in_pieces == Parser().push(b"".join(pieces))
