"""What makes a compiler a good neighbour of the thread that draws: the two share an interpreter, and torch's globals.

torch.compile is not made for threads that do other things meanwhile (pytorch #118260, #126024). What of that meets us:

- A compiler is Python at work, and each of the thousand operations of a UNet call asks for the interpreter anew. With
  Python's own turns of 5 ms such a call was 140 times slower beside a thread that never rests, with these 12 times.
- torch.fx puts a tracer into `Module.__call__` of all threads while it traces. Those of AOTAutograd let a call pass;
  the plain one, which Inductor uses once in a process, takes a UNet that is drawn for a part of what it traces and
  raises `NameError`. It is used ahead, before there is a thread that compiles.
- While it traces, a call of what is compiled already may be refused by any thread, unless that is asked for.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Final

from torch import _dynamo

TURN_S: Final = 0.0005
"""Seconds that a thread keeps the interpreter while others want it; shorter ones cost the compiler more than they give.
"""
NO_SURPRISES: Final[dict[str, bool]] = {
    name: True for name in ("error_on_recompile", "force_compile_during_fx_trace") if hasattr(_dynamo.config, name)
}
"""Dynamo's settings for a call of what is compiled: it compiles nothing, and no trace of another thread refuses it."""


@contextlib.contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take turns more often; not to be entered twice at a time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def trace_ahead() -> None:
    """Have Inductor use its plain tracer now; where a version of torch has none there, there is nothing to do."""
    with contextlib.suppress(ImportError, AttributeError):
        from torch._inductor.loop_body import InterpreterShim

        InterpreterShim._dummy_gm()  # noqa: SLF001 - nothing public comes as far without a C++ compiler
