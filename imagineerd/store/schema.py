"""The tables of the queue's database and how they change from version to version.

`MIGRATIONS[n]` takes a database from version `n` to `n + 1`; the version stands in `PRAGMA user_version`. A published
migration is never edited: a change is a new one at the end, with its own fixture in `tests/data`.

What the tables themselves guarantee, whatever statement is run: a job's columns fit its state (CHECK), there is one
take per job (UNIQUE), a slot carries the newest job that draws it and its state, a batch counts the takes it keeps, and
`tally` counts the jobs by state (triggers), so that a page or a limit never has to count a long history. The index of
`search` is made of these tables and is none of them.
"""

# ruff: noqa: S608  the script is put together from constants only

from __future__ import annotations

import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from imagineerd.errors import DiskError, WrongState
from imagineerd.store import search

# Tables that check the types of their columns exist from SQLite 3.37 on; before, the CHECKs have to do.
_STRICT: Final = "STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""

_VERSION_1: Final = f"""
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) {_STRICT};

CREATE TABLE batch (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    set_id     TEXT NOT NULL,
    title      TEXT NOT NULL,
    theme      TEXT NOT NULL,
    settings   BLOB NOT NULL,
    folder     TEXT NOT NULL,
    uid        TEXT NOT NULL,
    created_at REAL NOT NULL,
    slots      INTEGER NOT NULL,
    takes      INTEGER NOT NULL DEFAULT 0
) {_STRICT};

CREATE TABLE slot (
    batch TEXT NOT NULL REFERENCES batch (id),
    idx   INTEGER NOT NULL CHECK (idx >= 1),
    name  TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    job   INTEGER REFERENCES job (id),
    pick  INTEGER REFERENCES take (id),
    spec  BLOB NOT NULL,
    PRIMARY KEY (batch, idx)
) {_STRICT};
CREATE INDEX slot_by_state ON slot (batch, state);

CREATE TABLE job (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    batch            TEXT NOT NULL,
    slot             INTEGER NOT NULL,
    lane             TEXT NOT NULL CHECK (lane IN ('gpu', 'io')),
    kind             TEXT NOT NULL,
    state            TEXT NOT NULL DEFAULT 'queued'
                     CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'held')),
    group_key        TEXT NOT NULL,
    priority         INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    submitted_at     REAL NOT NULL,
    started_at       REAL,
    ended_at         REAL,
    error_code       TEXT,
    error_message    TEXT,
    take             INTEGER REFERENCES take (id),
    spec             BLOB NOT NULL,
    FOREIGN KEY (batch, slot) REFERENCES slot (batch, idx),
    CHECK (state <> 'queued' OR (started_at IS NULL AND cancel_requested = 0)),
    CHECK (state <> 'running' OR (started_at IS NOT NULL AND attempts >= 1)),
    CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
    CHECK ((state = 'done') = (take IS NOT NULL)),
    CHECK ((state IN ('failed', 'held')) = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_message IS NULL))
) {_STRICT};
CREATE INDEX job_by_state ON job (state);
CREATE INDEX job_by_batch ON job (batch, state);
CREATE INDEX job_waiting ON job (priority DESC, id) WHERE state = 'queued';

CREATE TABLE take (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    batch          TEXT NOT NULL,
    slot           INTEGER NOT NULL,
    job            INTEGER NOT NULL UNIQUE REFERENCES job (id),
    file           TEXT NOT NULL CHECK (file <> '' AND instr(file, '/') = 0),
    seed           INTEGER NOT NULL,
    width          INTEGER NOT NULL CHECK (width > 0),
    height         INTEGER NOT NULL CHECK (height > 0),
    bytes          INTEGER NOT NULL CHECK (bytes > 0),
    sha256         TEXT NOT NULL,
    color          TEXT NOT NULL,
    created_at     REAL NOT NULL,
    duration       REAL NOT NULL,
    FOREIGN KEY (batch, slot) REFERENCES slot (batch, idx)
) {_STRICT};
CREATE INDEX take_by_slot ON take (batch, slot);

CREATE TABLE event (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    at   REAL NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
) {_STRICT};

CREATE TABLE idem (
    uid    TEXT NOT NULL,
    key    TEXT NOT NULL,
    digest BLOB NOT NULL,
    reply  BLOB NOT NULL,
    at     REAL NOT NULL,
    UNIQUE (uid, key)
) {_STRICT};
CREATE INDEX idem_by_age ON idem (at);

CREATE TABLE speed (
    key     TEXT PRIMARY KEY,
    seconds REAL NOT NULL CHECK (seconds > 0)
) {_STRICT};

CREATE TABLE tally (
    state TEXT PRIMARY KEY,
    jobs  INTEGER NOT NULL CHECK (jobs >= 0)
) {_STRICT};
INSERT INTO tally (state, jobs)
VALUES ('queued', 0), ('running', 0), ('done', 0), ('failed', 0), ('cancelled', 0), ('held', 0);

CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
    UPDATE tally SET jobs = jobs + 1 WHERE state = NEW.state;
    UPDATE slot SET job = NEW.id, state = NEW.state WHERE batch = NEW.batch AND idx = NEW.slot;
END;
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job BEGIN
    UPDATE tally SET jobs = jobs - 1 WHERE state = OLD.state;
    UPDATE tally SET jobs = jobs + 1 WHERE state = NEW.state;
    UPDATE slot SET state = NEW.state
    WHERE batch = NEW.batch AND idx = NEW.slot AND job = NEW.id;
END;
CREATE TRIGGER take_added AFTER INSERT ON take BEGIN
    UPDATE batch SET takes = takes + 1 WHERE id = NEW.batch;
END;
"""

_VERSION_2: Final = f"""
CREATE TABLE mix (
    name     TEXT PRIMARY KEY COLLATE NOCASE,
    loras    BLOB NOT NULL,
    saved_at REAL NOT NULL
) {_STRICT};

ALTER TABLE batch ADD COLUMN mixes TEXT NOT NULL DEFAULT '';
"""

# The queue has an order of its own, and who asked for a job has turns in it (`scheduler`).
_VERSION_3: Final = """
ALTER TABLE job ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN rank REAL NOT NULL DEFAULT 0;
UPDATE job SET rank = id;
DROP INDEX job_waiting;
CREATE INDEX job_waiting ON job (priority DESC, turn, rank) WHERE state = 'queued';
CREATE INDEX job_turns ON job (client, priority, turn) WHERE state = 'queued' AND rank = id;
"""

# Whether a take is a favourite and where it is; `chosen` is the pick that was wanted, which a deletion does not change.
_VERSION_4: Final = """
ALTER TABLE take ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0 CHECK (favourite IN (0, 1));
ALTER TABLE take ADD COLUMN place TEXT NOT NULL DEFAULT 'kept' CHECK (place IN ('kept', 'trash', 'gone'));
ALTER TABLE take ADD COLUMN deleted_at REAL CHECK ((deleted_at IS NULL) = (place = 'kept'));
CREATE INDEX take_favourite ON take (id) WHERE favourite = 1 AND place = 'kept';
CREATE INDEX take_trash ON take (id) WHERE place = 'trash';

ALTER TABLE slot ADD COLUMN chosen INTEGER REFERENCES take (id);
UPDATE slot SET chosen = pick;

CREATE TRIGGER take_placed AFTER UPDATE OF place ON take BEGIN
    UPDATE batch SET takes = takes + (NEW.place = 'kept') - (OLD.place = 'kept') WHERE id = NEW.batch;
END;
"""

_VERSION_5: Final = """
ALTER TABLE batch ADD COLUMN grid BLOB NOT NULL DEFAULT x'90';
"""

_VERSION_6: Final = f"""
CREATE TABLE labeling (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    take           INTEGER NOT NULL REFERENCES take (id),
    job            INTEGER REFERENCES job (id),
    person         TEXT NOT NULL,
    model          TEXT NOT NULL,
    prompt         TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    answer         TEXT NOT NULL,
    at             REAL NOT NULL,
    current        INTEGER NOT NULL DEFAULT 0 CHECK (current IN (0, 1))
) {_STRICT};
CREATE INDEX labeling_by_take ON labeling (take, id);
CREATE UNIQUE INDEX labeling_current ON labeling (take) WHERE current = 1;

CREATE TABLE label (
    labeling INTEGER NOT NULL REFERENCES labeling (id),
    type     TEXT NOT NULL CHECK (type IN ('caption', 'tag', 'rating')),
    position INTEGER NOT NULL CHECK (position >= 0),
    text     TEXT NOT NULL CHECK (text <> ''),
    origin   INTEGER NOT NULL REFERENCES labeling (id),
    PRIMARY KEY (labeling, type, position)
) {_STRICT};

ALTER TABLE batch ADD COLUMN label_prompt BLOB;

DROP TRIGGER job_added;
CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
    UPDATE tally SET jobs = jobs + 1 WHERE state = NEW.state;
    UPDATE slot SET job = NEW.id, state = NEW.state
    WHERE batch = NEW.batch AND idx = NEW.slot AND NEW.kind = 'generate';
END;
"""

# Takes whose sidecar does not tell their label yet; until now a crash could leave any of them behind.
_VERSION_7: Final = f"""
CREATE TABLE sidecar_due (
    take INTEGER PRIMARY KEY REFERENCES take (id)
) {_STRICT};
INSERT INTO sidecar_due (take) SELECT DISTINCT take FROM labeling;
"""

_VERSION_8: Final = """
ALTER TABLE batch ADD COLUMN audition INTEGER NOT NULL DEFAULT 0 CHECK (audition IN (0, 1));
CREATE INDEX batch_audition ON batch (audition);
"""

# What a job draws, so that a picture that was drawn before is found; a take may be one of those.
_VERSION_9: Final = """
ALTER TABLE job ADD COLUMN picture TEXT NOT NULL DEFAULT '';
CREATE INDEX job_picture ON job (picture) WHERE picture <> '';
ALTER TABLE take ADD COLUMN cached INTEGER NOT NULL DEFAULT 0 CHECK (cached IN (0, 1));
"""

MIGRATIONS: Final[tuple[str, ...]] = (
    _VERSION_1,
    _VERSION_2,
    _VERSION_3,
    _VERSION_4,
    _VERSION_5,
    _VERSION_6,
    _VERSION_7,
    _VERSION_8,
    _VERSION_9,
)
VERSION: Final = len(MIGRATIONS)

# FULL: a commit is on the disk when it returns. fullfsync: on macOS too, where fsync alone does not reach the disk.
# A negative cache_size is in KiB.
_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = 1",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
)


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the database and bring it to `VERSION`; only this user may read the file.

    Raises `DiskError` where the file cannot be opened or is damaged, `WrongState` where a newer imagineerd wrote it.
    """
    try:
        return _opened(path)
    except (OSError, sqlite3.Error) as error:
        raise DiskError(f"The database {path} cannot be opened: {error}.") from error


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that are missing, each in a transaction of its own.

    Raises `WrongState` where the database is newer than this program.
    """
    version = version_of(connection)
    if version > VERSION:
        raise WrongState(
            f"The database has version {version}, but this imagineerd knows versions up to {VERSION}."
            " Install the newer imagineerd again, or give it another data folder."
        )
    for number in range(version, VERSION):
        _step(connection, MIGRATIONS[number], number + 1)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of a database; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def epoch_of(connection: sqlite3.Connection) -> str:
    """Return the random name of this database, without which an event's number means nothing."""
    epoch = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
    return str(epoch)


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        migrate(connection)
        _name(connection)
        search.prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _step(connection: sqlite3.Connection, script: str, version: int) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version={version};COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _name(connection: sqlite3.Connection) -> None:
    epoch = secrets.token_hex(8)
    connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('epoch', ?)", (epoch,))
