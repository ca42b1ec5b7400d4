"""The CLI's envelope is read for what it says, which is neither in its exit status nor in its `subtype`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imagineerd.labels.envelope import Limited, LoggedOut, Reply, Unusable, complain, read_reply

NOT_LOGGED_IN = {
    "type": "result",
    "subtype": "success",
    "is_error": True,
    "api_error_status": None,
    "duration_ms": 60,
    "result": "Not logged in · Please run /login",
    "total_cost_usd": 0,
    "modelUsage": {},
    "permission_denials": [],
}
"""As the CLI 2.1.197 prints it."""
SMALL, LARGE = {"inputTokens": 40, "costUSD": 0.9}, {"inputTokens": 1500, "outputTokens": 200}


def envelope(**changes: Any) -> str:
    good = {
        **NOT_LOGGED_IN,
        "is_error": False,
        "result": "Caption: A ram.",
        "duration_ms": 4200,
        "total_cost_usd": 0.02,
    }
    return json.dumps({**good, "modelUsage": {"small": SMALL, "large": LARGE}, **changes})


def test_a_good_answer_names_the_model_that_did_most_of_it() -> None:
    assert read_reply(envelope()) == Reply("Caption: A ram.", "large", 4.2, 0.02)


def test_an_answer_without_an_envelope_is_taken_as_it_is() -> None:
    text = '{"caption": "A ram."}'

    assert read_reply(text) == Reply(text)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"type": "system"}', '{"type": "result", "result": 7}', "[" * 100_000]
)
def test_what_is_no_envelope_is_an_answer_like_any_other(text: str) -> None:
    assert read_reply(text).text == text


@pytest.mark.parametrize(
    "written",
    [
        "{}\n",
        "Warning: this CLI is old.\n{}",
        '{{"type": "system"}}\n{{"type": "assistant"}}\n{}\n',
        '[{{"type": "system"}}, {}]',
    ],
)
def test_the_envelope_is_the_last_thing_that_was_printed(written: str) -> None:
    assert read_reply(written.format(envelope())).text == "Caption: A ram."


def test_what_is_null_is_not_told() -> None:
    nothing = dict.fromkeys(("duration_ms", "total_cost_usd", "modelUsage", "api_error_status", "is_error"))

    assert read_reply(envelope(**nothing)) == Reply("Caption: A ram.")


def test_a_success_that_is_an_error_is_an_error() -> None:
    with pytest.raises(LoggedOut, match="Not logged in"):
        read_reply(json.dumps(NOT_LOGGED_IN))


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("OAuth token has expired", 401),
        ("Invalid API key · Fix external API key", None),
        ('API Error: 401 {"type":"error","error":{"type":"authentication_error"}}', None),
    ],
)
def test_a_login_that_is_refused_is_told_from_other_errors(said: str, status: int | None) -> None:
    with pytest.raises(LoggedOut):
        read_reply(envelope(is_error=True, result=said, api_error_status=status))


@pytest.mark.parametrize(
    ("said", "status", "until"),
    [
        ("Claude AI usage limit reached|1795364000", None, 1795364000.0),
        ("You've hit your limit · resets 3pm", None, 0.0),
        ("5-hour limit reached", None, 0.0),
        ('API Error: 429 {"error":{"type":"rate_limit_error"}}', 429, 0.0),
        ("API Error: Overloaded", 529, 0.0),
        ("Credit balance is too low", 400, 0.0),
    ],
)
def test_a_limit_is_told_from_other_errors_and_until_when(said: str, status: int | None, until: float) -> None:
    with pytest.raises(Limited) as caught:
        read_reply(envelope(is_error=True, result=said, api_error_status=status))

    assert caught.value.until == until
    assert "|" not in str(caught.value)


@pytest.mark.parametrize(("said", "status"), [("API Error: 500", 500), ("Context limit reached", None)])
def test_any_other_error_is_told_in_the_labeler_s_words(said: str, status: int | None) -> None:
    with pytest.raises(Unusable, match=said):
        read_reply(envelope(is_error=True, result=said, api_error_status=status))


def test_a_complaint_may_come_without_an_envelope() -> None:
    with pytest.raises(Unusable, match="Segmentation fault"):
        complain("Segmentation fault")
