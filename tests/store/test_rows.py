"""Rows as values, and back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import decks
import msgspec

from imagineerd.jobs import GenerateSpec, Job, JobError, LoraWeight, PromptParts
from imagineerd.protocol import Take
from imagineerd.store import moves, pages, rows, schema

FULL = GenerateSpec(
    prompt="ünïcode ♥", width=64, height=64, steps=1, guidance_scale=0.0, seed=2**63 - 1, model="m", model_revision="r",
    negative_prompt="n", scheduler="euler-a", mix=(LoraWeight("a", -0.5, "ff"),), name="x", parts=PromptParts("b"),
)  # fmt: skip


def test_a_spec_is_read_as_it_was_stored() -> None:
    assert rows.spec_of(rows.spec_blob(FULL)) == FULL


def test_a_spec_names_its_kind() -> None:
    assert msgspec.msgpack.decode(rows.spec_blob(FULL))["kind"] == "generate"


def test_the_columns_are_the_fields() -> None:
    from_labels = ("rating", "is_nsfw", "label")
    assert (*rows.TAKE.split(", "), *from_labels) == Take.__struct_fields__
    errors = ("error_code", "error_message")
    fields = [field for field in Job.__struct_fields__ if field != "error"]
    assert [column for column in rows.JOB.split(", ") if column not in errors] == fields


def test_a_job_is_read_with_all_its_columns(tmp_path: Path) -> None:
    connection = schema.open_database(tmp_path / "queue.db")
    (job,) = decks.dealt(connection, tmp_path, cards=1)
    moves.claim(connection, [job], 2.0)
    moves.cancel(connection, [job], None, 3.0)
    moves.fail(connection, job, 1, "E_OOM", "Too large.", 4.0)

    assert pages.job(connection, job) == Job(
        id=job, batch="tarot", slot=1, state=moves.State.FAILED, spec=decks.spec(1), attempts=1, cancel_requested=True,
        submitted_at=1.0, started_at=2.0, ended_at=4.0, error=JobError("E_OOM", "Too large."), rank=1.0,
    )  # fmt: skip
    connection.close()


def test_an_id_is_never_given_twice(tmp_path: Path) -> None:
    connection: sqlite3.Connection = schema.open_database(tmp_path / "queue.db")
    assert rows.next_id(connection, "job") == 1
    jobs = decks.dealt(connection, tmp_path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DELETE FROM job")

    assert rows.next_id(connection, "job") == jobs[-1] + 1
    connection.close()
