"""The tables: old databases load for ever, and the database itself refuses what must not be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import DiskError, WrongState
from imagineerd.jobs import State
from imagineerd.protocol import EVENTS, BatchAdded, JobMoved, JobsAdded, PickChanged, TakeAdded
from imagineerd.search import parse
from imagineerd.store import moves, outbox, pages, schema, search, trash

DATA = Path(__file__).parents[1] / "data"
VERSIONS = range(1, schema.VERSION + 1)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database as an earlier version left it, opened by this one."""
    path = tmp_path / "old.db"
    raw = sqlite3.connect(path)
    raw.executescript((DATA / f"queue_v{request.param}.sql").read_text())
    raw.close()
    connection = schema.open_database(path)
    yield connection
    connection.close()


def structure(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name, " ".join(sql.replace('"', "").split())) for kind, name, sql in rows}


# ---------------------------------------------------------------- opening


def test_a_new_database_has_the_newest_version_and_a_name(connection: sqlite3.Connection) -> None:
    assert schema.version_of(connection) == schema.VERSION
    assert len(schema.epoch_of(connection)) == 16


def test_two_databases_have_different_names(tmp_path: Path) -> None:
    names = set()
    for file in ("a.db", "b.db"):
        connection = schema.open_database(tmp_path / file)
        names.add(schema.epoch_of(connection))
        connection.close()

    assert len(names) == 2


def test_a_database_keeps_its_name(tmp_path: Path) -> None:
    names = set()
    for _ in range(2):
        connection = schema.open_database(tmp_path / "queue.db")
        names.add(schema.epoch_of(connection))
        connection.close()

    assert len(names) == 1


@pytest.mark.usefixtures("connection")
def test_only_the_user_may_read_the_database(tmp_path: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert set(modes.values()) == {0o600}, modes


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_the_database_is_durable(connection: sqlite3.Connection, pragma: str, value: object) -> None:
    assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 999")
    raw.close()

    with pytest.raises(WrongState, match="version 999, but this imagineerd knows versions up to"):
        schema.open_database(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    path.write_text("This is a letter, and a rather long one at that. " * 100)

    with pytest.raises(DiskError, match=r"queue\.db cannot be opened: file is not a database"):
        schema.open_database(path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be opened"):
        schema.open_database(tmp_path / "nowhere" / "queue.db")


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", ("CREATE TABLE a (x); CREATE TABLE b (y, y)",))
    monkeypatch.setattr(schema, "VERSION", 1)
    connection = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)

    with pytest.raises(sqlite3.OperationalError, match="duplicate column"):
        schema.migrate(connection)

    assert schema.version_of(connection) == 0
    assert structure(connection) == set()


# ---------------------------------------------------------------- old databases


def test_every_version_has_a_database_to_load() -> None:
    assert {path.name for path in DATA.glob("queue_v*.sql")} == {f"queue_v{n}.sql" for n in VERSIONS}


def test_an_old_database_becomes_like_a_new_one(old: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    assert schema.version_of(old) == schema.VERSION
    assert structure(old) == structure(connection)


def test_an_old_database_is_whole(old: sqlite3.Connection) -> None:
    assert old.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert old.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_jobs_of_an_old_database_are_read(old: sqlite3.Connection) -> None:
    jobs = pages.list_jobs(old, (), None, 100, None).jobs

    assert {job.state for job in jobs} == set(State)
    assert jobs[-1].spec.prompt == "The Fool"


def test_the_batches_and_takes_of_an_old_database_are_read(old: sqlite3.Connection) -> None:
    detail = pages.get_batch(old, "tarot")

    assert detail.batch.title == "The tarot"
    deleted = [stored.take for stored in trash.in_trash(old)]
    assert [take.file for take in (*detail.slots[0].takes, *deleted)] == ["01_fool.png", "01_fool_2.png"]
    assert detail.slots[0].pick == detail.slots[0].takes[0].id


def test_the_takes_of_an_old_database_are_found_by_their_words(old: sqlite3.Connection) -> None:
    found = search.find(old, parse("fool is:pick"), None, 10, None).takes

    assert [listed.take.file for listed in found] == ["01_fool.png"]


def test_the_pick_of_an_old_database_is_what_was_wanted(old: sqlite3.Connection) -> None:
    (first, *_) = pages.get_batch(old, "tarot").slots[0].takes
    trash.delete(old, [first], 20.0)
    trash.restore(old, [first], 21.0)

    assert pages.get_batch(old, "tarot").slots[0].pick == first.id


def test_the_events_of_an_old_database_are_read(old: sqlite3.Connection) -> None:
    assert {type(body) for body in decks.told(old)} >= {BatchAdded, JobsAdded, JobMoved, TakeAdded, PickChanged}


def test_the_newest_database_to_load_has_an_event_of_every_kind() -> None:
    raw = sqlite3.connect(":memory:")
    raw.executescript((DATA / f"queue_v{schema.VERSION}.sql").read_text())

    assert {kind for (kind,) in raw.execute("SELECT kind FROM event")} == set(EVENTS)


@pytest.mark.parametrize("old", [1], indirect=True)
def test_the_jobs_of_a_database_without_turns_wait_in_the_order_in_which_they_came(old: sqlite3.Connection) -> None:
    assert [entry.job for entry in pages.waiting(old)] == sorted(entry.job for entry in pages.waiting(old))


def test_work_goes_on_in_an_old_database(old: sqlite3.Connection) -> None:
    waiting = pages.waiting(old)
    before = outbox.newest(old)

    decks.drawn(old, waiting[0].job)

    assert outbox.newest(old) == before + 3
    assert decks.dealt(old, Path("nowhere"), "tarot")[0] > max(entry.job for entry in waiting)


# ---------------------------------------------------------------- what the tables refuse


@pytest.mark.parametrize(
    "change",
    [
        "state = 'running', started_at = NULL, attempts = 1",
        "state = 'running', started_at = 1.0, attempts = 0",
        "state = 'running', started_at = 1.0, attempts = 1, ended_at = 2.0",
        "state = 'done', ended_at = 1.0",
        "state = 'failed', ended_at = 1.0",
        "state = 'held', ended_at = 1.0",
        "state = 'cancelled'",
        "state = 'cancelled', ended_at = 1.0, error_code = 'E_OOM', error_message = ''",
        "state = 'asleep'",
        "started_at = 1.0",
        "cancel_requested = 1",
        "lane = 'tpu'",
        "attempts = -1",
        "slot = 99",
        "batch = 'nothing'",
        "take = 99",
    ],
)
def test_a_job_whose_columns_do_not_fit_its_state_is_refused(
    connection: sqlite3.Connection, tmp_path: Path, change: str
) -> None:
    (job, *_) = decks.dealt(connection, tmp_path)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"UPDATE job SET {change} WHERE id = ?", (job,))  # noqa: S608


def test_a_job_has_one_take_at_most(connection: sqlite3.Connection, tmp_path: Path) -> None:
    (job, *_) = decks.dealt(connection, tmp_path)
    decks.drawn(connection, job)

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        moves._add_take(connection, moves.find(connection, job), decks.picture(), 4.0)


@pytest.mark.parametrize("file", ["", "../01.png", "/etc/passwd"])
def test_a_takes_file_is_a_bare_name(connection: sqlite3.Connection, tmp_path: Path, file: str) -> None:
    (job, *_) = decks.dealt(connection, tmp_path)
    take = decks.drawn(connection, job)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE take SET file = ? WHERE id = ?", (file, take.id))


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 37), reason="no STRICT tables")
def test_columns_have_types(connection: sqlite3.Connection, tmp_path: Path) -> None:
    (job, *_) = decks.dealt(connection, tmp_path)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE job SET submitted_at = 'yesterday' WHERE id = ?", (job,))
