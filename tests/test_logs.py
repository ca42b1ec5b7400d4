"""Logs: a sentence, then `key=value` pairs, on one line."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from house import House

from imagineerd.logs import SELDOM_S, JournalFormatter, LineFormatter, Seldom, pairs


def record(message: str, level: int = logging.INFO, **values: object) -> logging.LogRecord:
    made = logging.LogRecord("imagineerd", level, "x.py", 1, message, None, None)
    made.__dict__.update(pairs(**values) if values else {})
    return made


def test_pairs_follow_the_sentence() -> None:
    assert LineFormatter().format(record("Batch accepted.", batch="zodiac_1", jobs=12)) == (
        "Batch accepted. batch=zodiac_1 jobs=12"
    )


def test_a_value_with_blanks_quotes_or_line_ends_cannot_be_taken_for_two() -> None:
    line = LineFormatter().format(record("Refused.", why='a "b"', empty="", forged="x\nINFO ok"))

    assert line == "Refused. why='a \"b\"' empty='' forged='x\\nINFO ok'"


def test_a_sentence_without_pairs_stands_alone() -> None:
    assert LineFormatter().format(record("Ready.")) == "Ready."


def test_a_traceback_follows_the_pairs() -> None:
    made = record("A request failed.", logging.ERROR, kind="deal")
    try:
        int("boom")
    except ValueError:
        made.exc_info = sys.exc_info()

    first, *rest = LineFormatter().format(made).splitlines()
    assert first == "A request failed. kind=deal"
    assert rest[-1].startswith("ValueError: ")


def test_the_journal_reads_the_priority() -> None:
    formatter = JournalFormatter("%(message)s")

    assert formatter.format(record("Fine.")) == "<6>Fine."
    assert formatter.format(record("Broken.", logging.ERROR, code=1)) == "<3>Broken. code=1"


def said(environ: dict[str, str], level: str) -> str:
    code = f"import logging; from imagineerd import logs; logs.configure({level!r}); logging.warning('Oh.')"
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stderr


def test_under_systemd_the_line_has_a_priority_and_no_time(house: House) -> None:
    assert said({**house.environ, "JOURNAL_STREAM": "8:1"}, "info") == "<4>root: Oh.\n"


def test_elsewhere_the_line_has_a_time(house: House) -> None:
    assert said(house.environ, "info").endswith(" WARNING root: Oh.\n")


def test_what_is_below_the_level_is_not_written(house: House) -> None:
    assert said(house.environ, "error") == ""


def test_what_strangers_cause_is_logged_seldom_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    seldom = Seldom(logging.getLogger("test"), clock=lambda: now[0])
    for number in range(1000):
        seldom.warning("Refused.", number=number)
    seldom.warning("Refused, too.")
    now[0] = SELDOM_S
    seldom.warning("Refused.", number=1000)

    assert [(record.message, record.pairs) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("Refused.", {"number": 0}),
        ("Refused, too.", {}),
        ("Refused.", {"number": 1000, "left_out": 999}),
    ]
