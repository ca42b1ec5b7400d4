"""One module per job kind, found by name through `RUNNERS`."""

from __future__ import annotations

from typing import Final

RUNNERS: Final[dict[str, str]] = {
    "GenerateSpec": "imagineerd.worker.kinds.generate",
}
"""Spec type name -> module with `run(order, context)`, imported on first use."""
