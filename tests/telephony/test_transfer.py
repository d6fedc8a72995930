import pytest

from telephony.transfer import outcome_of


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (486, "busy"),
        (600, "busy"),
        (480, "no_answer"),
        (408, "no_answer"),
        (487, "no_answer"),
        (403, "refused"),
        (404, "refused"),
        (603, "refused"),
        (500, "failed"),
        (503, "failed"),
        (None, "failed"),
    ],
)
def test_a_sip_status_becomes_an_outcome(status: int | None, outcome: str):
    assert outcome_of(status) == outcome
