"""A day of work: every hour people come, deal, look, re-roll, delete and leave, and once an hour the worker dies."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path
from random import Random

import msgspec
import psutil
from house import House, short_folder, wait_until

from imagineerd.client import Client
from imagineerd.jobs import State
from imagineerd.protocol import Settings, Snapshot

EVENTS_KEPT = 500
"""In place of the 100,000 that a daemon keeps: a short day is to reach what a long one reaches."""
TIDY_S = 1.0
DAY_S = 1.0
"""Seconds that are a day to retention, where people keep nothing: it forgets what is two days old."""
LONG_DAY_S = 86_400.0
CONFIG = f"{{log_level: warning, events_kept: {EVENTS_KEPT}, history_days: 2, vacuum_percent: 30}}"
PEOPLE = 4
DRAW_S = 300.0
MIB = 1024 * 1024
MAY_GROW = 24 * MIB
"""Of the daemon's memory after a quarter of the day, beside what SQLite caches of a database that grows."""
MAY_OPEN = 8
MAY_STAY = MIB // 2
"""Of a database of which nothing was kept."""
CARD_BYTES = 8 * 1024
"""What a card may add to the database: slot, job, take, its two frozen specs, and the words that are searched."""
SETTINGS = Settings(steps=2, width=64, height=64)


class Hour(msgspec.Struct):
    """How the daemon is at the end of an hour."""

    cards: int
    rss_mib: float
    descriptors: int
    database_mib: float
    events: int


class Outcome(msgspec.Struct, kw_only=True):
    """The hours, and what was found."""

    seed: int
    hours: list[Hour] = []
    seconds: float = 0.0
    findings: list[str] = []


def run(seed: int, hours: int, decks: int, *, keep: bool = True) -> Outcome:
    """Work for so many hours, in each of which every person deals so many decks; without `keep` none is kept."""
    outcome, began = Outcome(seed=seed), time.monotonic()
    house = House(short_folder()).configured(daemon=CONFIG)
    launcher = Path(__file__).with_name("compressed_daemon.py")
    house.command = (sys.executable, str(launcher), str(TIDY_S), str(LONG_DAY_S if keep else DAY_S))
    random = Random(seed)  # noqa: S311 - the same day each time
    try:
        house.start()
        for _ in range(hours):
            pass_an_hour(house, random, decks)
            if not keep:
                throw_away(house)
            outcome.hours.append(end_of_hour(house))
        outcome.findings = judged(outcome.hours, keep=keep)
    finally:
        outcome.seconds = round(time.monotonic() - began, 1)
        house.close()
    return outcome


def pass_an_hour(house: House, random: Random, decks: int) -> None:
    """Let people come and go, then wait until all is drawn."""
    for person in range(PEOPLE):
        with (
            Client.connect(house.paths, name=f"person {person}") as client,
            contextlib.closing(client.events()) as news,
        ):
            assert isinstance(next(news), Snapshot)
            for _ in range(decks):
                live(client, random)
    kill_worker(house)
    with house.client() as client:
        wait_until(lambda: is_drawn(client), DRAW_S)


def live(client: Client, random: Random) -> None:
    """Deal a deck, and do with an older one what people do."""
    older = client.batches(limit=20).batches
    client.deal("zodiac", random.choice(["at sea", "in gold", "by night"]), SETTINGS)
    if not older:
        return
    detail = client.batch(random.choice(older).id)
    takes = [take for slot in detail.slots for take in slot.takes]
    if not takes:
        return
    take = random.choice(takes)
    client.picture(take.id)
    client.pick(take.id)
    client.reroll(detail.batch.id, [take.slot])
    client.delete([random.choice(takes).id])
    client.search("sea")
    if random.random() < 0.2:
        client.empty_trash()


def kill_worker(house: House) -> None:
    """Kill the worker, as the kernel does when memory runs out."""
    for child in psutil.Process(house.pid).children():
        child.kill()


def throw_away(house: House) -> None:
    """Delete all that was drawn for good, and wait until the daemon has forgotten it."""
    with house.client() as client:
        for batch in client.batches(limit=1000).batches:
            client.delete(batch_id=batch.id)
        client.empty_trash()
        wait_until(lambda: not client.batches().batches)


def is_drawn(client: Client) -> bool:
    """Say whether nothing waits or runs; what the worker died of is tried again."""
    if held := client.jobs([State.HELD]).jobs:
        client.release([job.id for job in held])
    counts = client.status().jobs
    return not any(counts.get(state) for state in ("queued", "running", "held"))


def end_of_hour(house: House) -> Hour:
    """Wait until the daemon has tidied up, and measure it."""
    with contextlib.closing(sqlite3.connect(f"file:{house.paths.database}?mode=ro", uri=True)) as database:
        wait_until(lambda: count(database, "event") <= EVENTS_KEPT)
        pages = database.execute("PRAGMA page_count").fetchone()[0] * database.execute("PRAGMA page_size").fetchone()[0]
        cards, events = count(database, "job"), count(database, "event")
    process = psutil.Process(house.pid)
    rss = process.memory_info().rss
    return Hour(cards, round(rss / MIB, 1), process.num_fds(), round(pages / MIB, 2), events)


def count(database: sqlite3.Connection, table: str) -> int:
    """Return how many rows a table has."""
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - one of ours


def judged(hours: list[Hour], *, keep: bool = True) -> list[str]:
    """Tell what grew that should not."""
    early, last = hours[len(hours) // 4], hours[-1]
    cached = (last.database_mib - early.database_mib) * MIB
    findings = []
    if (last.rss_mib - early.rss_mib) * MIB > MAY_GROW + cached:
        findings.append("The daemon's memory grows.")
    if last.descriptors - early.descriptors > MAY_OPEN:
        findings.append("The daemon's descriptors grow.")
    if keep and cached > CARD_BYTES * (last.cards - early.cards):
        findings.append("The database grows by more than its cards.")
    if not keep and (last.cards or cached > MAY_STAY):
        findings.append("The database grows by what was not kept.")
    return findings
