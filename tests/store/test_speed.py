"""Measured speeds: a running average for each key."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagineerd.store import schema
from imagineerd.store.speed import record_speed, speed


def test_a_speed_is_the_average_of_what_was_measured(tmp_path: Path) -> None:
    connection = schema.open_database(tmp_path / "queue.db")

    assert speed(connection, "starter|64x96") is None
    record_speed(connection, "starter|64x96", 1.0)
    assert speed(connection, "starter|64x96") == 1.0
    record_speed(connection, "starter|64x96", 2.0)
    assert speed(connection, "starter|64x96") == pytest.approx(1.3)
    assert speed(connection, "starter|128x128") is None
    connection.close()
