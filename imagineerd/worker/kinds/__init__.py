"""One module per job kind, found by name through `RUNNERS`."""

from __future__ import annotations

from typing import Final

from imagineerd.jobs import LANES, Lane

RUNNERS: Final[dict[str, str]] = {
    "GenerateSpec": "imagineerd.worker.kinds.generate",
    "LabelSpec": "imagineerd.worker.kinds.label",
}
"""Spec type name -> module with `run(order, context)`, imported on first use."""


def runners_of(lane: Lane) -> list[str]:
    """Return the modules of a lane."""
    return [RUNNERS[kind.__name__] for kind, of in LANES.items() if of == lane]
