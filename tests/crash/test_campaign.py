"""The short form of the crash campaign; `python -m crash` is the long one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from crash import checks
from crash.campaign import Campaign


def test_struck_down_again_and_again_the_daemon_loses_nothing_and_doubles_nothing() -> None:
    outcome = Campaign(seed=20261122).run(kills=8)

    assert outcome.findings == []
    assert outcome.jobs["done"] == sum(outcome.takes.values()) > 0


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    database = sqlite3.connect(":memory:")
    database.executescript("""
        CREATE TABLE batch (id, folder);
        CREATE TABLE take (id, batch, place, file, sha256);
    """)
    outputs, trash = tmp_path / "outputs", tmp_path / "trash"
    outputs.mkdir()
    database.execute("INSERT INTO batch VALUES ('deck', ?)", (str(outputs),))
    database.execute("INSERT INTO take VALUES (1, 'deck', 'kept', 'a.png', '')")
    (outputs / "a.png").write_bytes(b"no picture")
    (outputs / "b.png").write_bytes(b"")

    found = list(checks.file_faults(database, outputs, trash, checks.Looked()))

    assert [sentence.removeprefix(f"{outputs}/") for sentence in found if "decode" in sentence or "row" in sentence]
    assert f"{outputs / 'b.png'} has no row." in found
    assert f"Take 1 (kept) has no {outputs / 'a.json'}." in found
    assert any("does not decode" in sentence for sentence in found)
