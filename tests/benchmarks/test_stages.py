"""The stages of a run: one that breaks, or takes too long, is told, and the next one is begun."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from bench import Bench
from stages import Stage, run_stages

from imagineerd import link


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A run of a minute."""
    hardware, end = link.Hardware(device="cpu"), time.monotonic() + 60
    return Bench(hardware, "starter", tmp_path, count=4, end=end, file=tmp_path / "results" / "run")


def test_a_stage_that_raises_is_told_with_what_was_at_hand(bench: Bench) -> None:
    def act() -> None:
        bench.at = "warming up"
        raise ValueError("of no use")

    run_stages(bench, [Stage("one", act, 0, 10), Stage("next", lambda: bench.say("next", "was begun"), 0, 10)])

    assert [row.note for row in bench.rows] == ["broke at warming up: ValueError('of no use')", "was begun"]
    assert bench.has_broken
    assert "of no use" in (bench.folder / "results" / "run.md").read_text()


def test_a_stage_that_waits_for_ever_is_cut(bench: Bench) -> None:
    def suppressing() -> None:
        try:
            threading.Event().wait()
        except Exception:  # noqa: BLE001 - as a retry would
            bench.say("one", "took the cut for an error")

    run_stages(bench, [Stage("one", suppressing, 0, 0.1), Stage("next", lambda: bench.say("next", "was begun"), 0, 10)])

    assert [row.note for row in bench.rows] == ["broke: was cut after 0 s", "was begun"]


def test_a_stage_that_there_is_no_time_for_is_left_out(bench: Bench) -> None:
    run_stages(bench, [Stage("one", lambda: bench.say("one", "was begun"), 3600, 3600)])

    assert [(row.measure, row.note) for row in bench.rows] == [("stage: one", "left out: no time")]
    assert not bench.has_broken


def test_a_run_that_is_ended_says_where_it_was(bench: Bench) -> None:
    def act() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stages(bench, [Stage("one", act, 0, 10), Stage("next", lambda: bench.say("next", "was begun"), 0, 10)])

    assert [row.note for row in bench.rows] == ["broke: the run was ended from outside"]


def test_a_row_is_in_the_files_as_soon_as_it_is_told(bench: Bench) -> None:
    bench.say("one", "was measured")

    assert "one" in (bench.folder / "results" / "run.json").read_text()
