"""Print a database of the current version with something of everything, as SQL.

Run it once, when a schema version is published, and never again for that version:
`PYTHONPATH=.:tests python tests/data/dump_queue.py > tests/data/queue_vN.sql`
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

import decks
import msgspec

from imagineerd.jobs import LoraWeight
from imagineerd.labels.answers import Answer
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.protocol import EditLabel, LabelerBuilt, LabelTakes, LorasChanged, StepsAxis, Take
from imagineerd.store import intake, labeling, mixes, moves, outbox, pausing, picks, sayings, schema, steering, trash
from imagineerd.store.labeling import NewLabel
from imagineerd.store.speed import record_speed

ROOT = Path("/home/someone/pictures")
MADE_AGAIN = ("take_text", "writable_schema")
"""What the index of takes leaves in a dump; opening the database makes it again."""


def main() -> None:
    """Make the database, print it."""
    with tempfile.TemporaryDirectory() as folder:
        connection = schema.open_database(Path(folder) / "queue.db")
        connection.execute("UPDATE meta SET value = '0123456789abcdef' WHERE key = 'epoch'")
        fill(connection)
        kept = [line for line in connection.iterdump() if not any(word in line for word in MADE_AGAIN)]
        lines = [*kept, f"PRAGMA user_version = {schema.VERSION};"]
        sys.stdout.write("\n".join(lines) + "\n")


def fill(connection: sqlite3.Connection) -> None:
    """Put a job into every state, and leave an event of every kind."""
    tarot = decks.deck("tarot", ROOT, 7)
    first = decks.spec(1, "The Fool")
    tarot = msgspec.structs.replace(
        tarot, slots=((1, "The Fool", first), *tarot.slots[1:]), jobs=((1, first), *tarot.jobs[1:])
    )
    jobs = intake.submit_batch(connection, tarot, decks.key("k1"), 1000, 1.0).jobs
    done, failed, cancelled, held, running, stopping, _queued = jobs
    decks.drawn(connection, done, "01_fool.png")
    moves.claim(connection, [failed, cancelled, held, running, stopping], 4.0)
    moves.fail(connection, failed, 1, "E_OOM", "The device is too small.", 5.0)
    moves.stop(connection, cancelled, 1, 5.0)
    moves.give_back(connection, held, 1, "The worker died.", 5.0, counts=True)
    moves.claim(connection, [held], 6.0)
    moves.give_back(connection, held, 2, "The worker died again.", 7.0, counts=True)
    moves.cancel(connection, [stopping], None, 8.0)
    again = intake.add_jobs(connection, "tarot", [(1, decks.spec(77))], decks.key("k2"), 1000, 9.0)
    take = decks.drawn(connection, again.jobs[0], "01_fool_2.png")
    picks.set_pick(connection, take.id, 10.0)
    picks.set_pick(connection, 1, 11.0)
    curate(connection, take)
    zodiac = intake.submit_batch(connection, decks.deck("zodiac", ROOT, 2, client="1000:imagineer"), None, 1000, 12.0)
    steering.place(connection, zodiac.jobs[1:], None, "top", None, 13.0)
    steering.hold(connection, zodiac.jobs[:1], None, 14.0)
    pausing.pause(connection, True, 15.0)  # noqa: FBT003 - it is the subject
    mixes.save_mix(connection, "card-gothic", (LoraWeight("Tarot", 0.6),), 16.0)
    outbox.append(connection, LorasChanged(added=("Tarot",)), 17.0)
    grid = msgspec.structs.replace(decks.deck("grid", ROOT, 2), grid=(StepsAxis(values=(10, 20)),))
    intake.submit_batch(connection, grid, None, 1000, 18.0)
    heard = msgspec.structs.replace(decks.deck("audition", ROOT, 1), audition=True)
    intake.submit_batch(connection, heard, None, 1000, 18.0)
    asked = LabelTakes(idem="k3", takes=(1,))
    (label,) = labeling.label_takes(connection, asked, LabelPrompt("default", "1", "Look."), None, 1000, 18.0).jobs
    moves.claim(connection, [label], 19.0)
    labeling.finish(connection, label, 1, NewLabel(Answer("A fool.", "ADULT", ("fool",)), "claude-x", "A fool."), 20.0)
    sayings.edit(connection, EditLabel(take=1, rating="SAFE"), "1000", 21.0)
    outbox.append(connection, LabelerBuilt(image="imagineer-claude-cli:latest"), 22.0)
    record_speed(connection, "starter|64x96", 0.25)


def curate(connection: sqlite3.Connection, take: Take) -> None:
    """Mark a take, put one into the trash, and give one up for good."""
    trash.favourite(connection, [1], 11.1, on=True)
    (job,) = intake.add_jobs(connection, "tarot", [(1, decks.spec(78))], None, 1000, 11.2).jobs
    trash.delete(connection, [decks.drawn(connection, job, "01_fool_3.png"), take], 11.3)
    trash.restore(connection, [take], 11.4)
    trash.empty(connection, 11.5, 11.5)
    trash.delete(connection, [take], 11.6)


if __name__ == "__main__":
    main()
