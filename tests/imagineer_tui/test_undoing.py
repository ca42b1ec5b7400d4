"""What is said when something was taken back."""

from __future__ import annotations

import pytest

from imagineer_tui.undoing import told
from imagineerd import protocol


@pytest.mark.parametrize(
    "answer", [protocol.Done(), protocol.Cancelled(stopping=(1,)), protocol.Retried(jobs=(1,)), True]
)
def test_what_the_daemon_did_is_taken_back(answer: object) -> None:
    assert told("Held 1 card", answer) == "Taken back: Held 1 card."


@pytest.mark.parametrize("answer", [protocol.Cancelled(ended=(1, 2)), protocol.Retried()])
def test_what_changed_nothing_says_so(answer: object) -> None:
    assert told("2 takes to be labelled", answer) == "It is too late to take this back: 2 takes to be labelled."


def test_who_took_it_back_may_say_it_better() -> None:
    assert told("Re-rolled Aries", "Taken back: 1 card cancelled.") == "Taken back: 1 card cancelled."
