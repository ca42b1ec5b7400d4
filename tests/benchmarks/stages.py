"""The stages of a run that happens once: each has its time, and what breaks one is told and spares the next ones."""

from __future__ import annotations

import contextlib
import signal
import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench import Bench

GRACE_S = 20.0
"""What a stage may take beyond the end of the run, so that its last measure is not lost for a moment."""
RETRY_S = 5.0
"""A cut that came while Python could not be interrupted (in a destructor, say) comes again."""


class Stage(NamedTuple):
    """Measures that belong together. It is begun if `needs_s` are left of the run, and cut after `limit_s`."""

    name: str
    act: Callable[[], None]
    needs_s: float
    limit_s: float


class Cut(BaseException):
    """A stage has had its time. No `Exception`, so that nothing that recovers from those takes it for one."""


def run_stages(bench: Bench, stages: list[Stage]) -> None:
    """Do one stage after the other; raises nothing but `KeyboardInterrupt`, which is told, too."""
    for stage in stages:
        if not bench.is_late(f"stage: {stage.name}", stage.needs_s):
            _run(bench, stage)


def _run(bench: Bench, stage: Stage) -> None:
    limit = min(stage.limit_s, bench.left_s + GRACE_S)
    bench.at = ""
    try:
        with cut_after(limit):
            stage.act()
    except Cut:
        bench.broke(f"stage: {stage.name}", f"was cut after {limit:.0f} s")
    except KeyboardInterrupt:
        bench.broke(f"stage: {stage.name}", "the run was ended from outside")
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in its row
        traceback.print_exc()
        bench.broke(f"stage: {stage.name}", repr(error))


@contextlib.contextmanager
def cut_after(seconds: float) -> Iterator[None]:
    """Raise `Cut` in the main thread, which must be the one that calls, once so many seconds are over."""

    def cut(*_: object) -> None:
        raise Cut

    handler = signal.signal(signal.SIGALRM, cut)
    others = signal.setitimer(signal.ITIMER_REAL, seconds, RETRY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, handler)
