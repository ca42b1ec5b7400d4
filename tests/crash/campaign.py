"""A daemon is dealt with by several clients while it and its worker are killed; after each blow all must be true."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
from house import House, short_folder, wait_until

from crash import checks, strikes
from crash.players import Follower, Player
from imagineerd.client import Client
from imagineerd.jobs import State

PLAYERS = 3
GAP_S = 0.4
"""Seconds between two blows at most."""
REAL_GAP_S = 30.0
"""As long for the real worker, which takes some seconds until it draws."""
SETTLE_S = 20.0
"""Seconds in which what is being written must have become whole: what is found all that time is a finding."""
DRAIN_S = 300.0
BLOWS = {"daemon": 8, "worker": 6, "both": 3, "torn": 1, "full": 1, "read-only": 1}
"""How often each blow falls, relative to the others; all but the kill of a worker end with a start of the daemon."""


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a campaign: how often what was done, what stands in the database now, and what was found."""

    seed: int
    kills: int = 0
    blows: dict[str, int] = {}
    batches: int = 0
    jobs: dict[str, int] = {}
    takes: dict[str, int] = {}
    events: int = 0
    acts: int = 0
    checks: int = 0
    seconds: float = 0.0
    skipped: list[str] = []
    findings: list[str] = []


class Campaign:
    """One house, its players, and what is known of both."""

    def __init__(self, seed: int, *, players: int = PLAYERS, real: bool = False) -> None:
        self.outcome = Outcome(seed=seed)
        self._random = Random(seed)  # noqa: S311 - the same blows each time
        self._gap_s = REAL_GAP_S if real else GAP_S
        self._house = House(short_folder())
        self._disk = strikes.Disk(self._house.paths.data_dir)
        self._looked = checks.Looked()
        config = {"daemon": "{queue_limit: 80}"}
        house = self._house.configured(**config) if real else self._house.with_fake_worker(**config)
        house.command, no_power = strikes.without_power(house.command)
        self.outcome.skipped = [reason for reason in (self._disk.missing, no_power) if reason]
        self._blows = {
            blow: weight
            for blow, weight in BLOWS.items()
            if not (blow == "full" and self._disk.missing) and not (blow == "read-only" and no_power)
        }
        self._players = [Player(house, f"player {number}", f"{seed}/{number}") for number in range(players)]
        self._follower = Follower(house)

    def run(self, kills: int) -> Outcome:
        """Strike so often, then let everything come to its end and look once more."""
        began = time.monotonic()
        try:
            self._house.start()
            for thread in (self._follower, *self._players):
                thread.start()
            while self.outcome.kills < kills and not self.outcome.findings:
                time.sleep(self._random.random() * self._gap_s)  # the moment is meant to be any
                self._strike()
            self._finish()
        finally:
            self.outcome.seconds = round(time.monotonic() - began, 1)
            self._close()
        return self.outcome

    # ------------------------------------------------------------ blows

    def _strike(self) -> None:
        (blow,) = self._random.choices(tuple(self._blows), tuple(self._blows.values()))
        if self._house.process is None or self._house.process.poll() is not None:
            self._find("The daemon left by itself.")
            return
        if blow == "worker":
            if not strikes.kill_worker(self._house):
                return
        else:
            self._strike_down(blow)
        self.outcome.kills += 1
        self.outcome.blows = dict(Counter(self.outcome.blows) + Counter([blow]))

    def _strike_down(self, blow: str) -> None:
        """Kill the daemon, start it again and look."""
        with self._trouble(blow):
            self._house.kill()
        if blow == "torn":
            strikes.tear(self._house, self._random)
        self._house.start()
        with self._calm():
            self._look()

    @contextlib.contextmanager
    def _trouble(self, blow: str) -> Iterator[None]:
        """What befalls the daemon before it is killed, and is over before it is started again."""
        with contextlib.ExitStack() as stack:
            if blow == "both":
                strikes.kill_worker(self._house)
            if blow == "full":
                self._disk.fill()
                stack.callback(self._disk.empty)
            if blow == "read-only":
                stack.enter_context(strikes.read_only(self._outputs))
            if blow in {"full", "read-only"}:
                time.sleep(self._random.random())
                if self._random.random() < 0.5:
                    strikes.kill_worker(self._house)
                time.sleep(self._random.random())
                if self._house.process and self._house.process.poll() is not None:
                    self._find(f"The daemon left because of a disk that is {blow}.")
            yield

    # ------------------------------------------------------------ looking

    @contextlib.contextmanager
    def _calm(self) -> Iterator[None]:
        """Keep the players from acting; what they asked for has been answered."""
        with contextlib.ExitStack() as stack:
            for player in self._players:
                stack.enter_context(player.turn)
            yield

    def _look(self) -> None:
        """Find what is wrong and stays wrong."""
        self.outcome.checks += 1
        wrong = self._wrong()
        end = time.monotonic() + SETTLE_S
        while wrong and time.monotonic() < end:
            time.sleep(0.1)
            wrong &= self._wrong()
        self._find(*sorted(wrong))

    def _wrong(self) -> set[str]:
        accepted = set().union(*(player.accepted for player in self._players))
        cancelled = set().union(*(player.cancelled for player in self._players))
        places = {take: where for player in self._players for take, where in player.places.items()}
        with checks.reading(self._house.paths.database) as database:
            return {
                *checks.database_faults(database),
                *checks.file_faults(database, self._outputs, self._house.paths.trash_dir, self._looked),
                *checks.promise_faults(database, accepted, cancelled, places),
                *self._follower.faults,
                *(fault for player in self._players for fault in player.faults),
            }

    def _finish(self) -> None:
        """Let all that is open be drawn, look, and compare with what was told meanwhile."""
        for player in self._players:
            player.leave()
        if self._house.process is None or self._house.process.poll() is not None:
            return
        with self._house.client() as client:
            wait_until(lambda: _is_drawn(client), DRAIN_S)
        self._look()
        with checks.reading(self._house.paths.database) as database:
            self._count(database)
            newest = database.execute("SELECT max(seq) FROM event").fetchone()[0]
            self._wait_for_follower(newest)
            takes = {take for (take,) in database.execute("SELECT id FROM take")}
            if takes != self._follower.takes:
                self._find(f"Of takes {sorted(takes ^ self._follower.takes)} rows and events tell different things.")
            states = dict(database.execute("SELECT id, state FROM job").fetchall())
            told = {job: state.value for job, state in self._follower.states.items()}
            if odd := [job for job, state in told.items() if states.get(job) != state]:
                self._find(f"Of jobs {odd} rows and events tell different states.")
        self._find(*re.findall(r"Traceback .*?(?=\n\S*\n|\Z)", self._house.log()))

    def _wait_for_follower(self, newest: int) -> None:
        """Wait until the follower was told the newest event."""
        try:
            wait_until(lambda: self._follower.seq >= newest or self._follower.faults)
        except AssertionError:
            alive = "follows" if self._follower.is_alive() else "gave up"
            self._find(f"The follower {alive} and was told event {self._follower.seq}, the newest is {newest}.")

    def _count(self, database: sqlite3.Connection) -> None:
        asked = sum(player.asked for player in self._players)
        acknowledged = sum(len(player.batches) for player in self._players)
        (self.outcome.batches,) = database.execute("SELECT count(*) FROM batch").fetchone()
        if not acknowledged <= self.outcome.batches <= asked:
            self._find(f"{self.outcome.batches} batches came of {asked} requests, {acknowledged} of them answered.")
        self.outcome.jobs = dict(database.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall())
        self.outcome.takes = dict(database.execute("SELECT place, count(*) FROM take GROUP BY place").fetchall())
        self.outcome.events = self._follower.seq
        self.outcome.acts = sum(player.acts for player in self._players)

    # ------------------------------------------------------------ odds and ends

    @property
    def _outputs(self) -> Path:
        return self._house.paths.data_dir / "outputs"

    def _find(self, *findings: str) -> None:
        self.outcome.findings += [f"After {self.outcome.kills} kills: {finding}" for finding in findings]

    def _close(self) -> None:
        if self.outcome.findings:
            self.outcome.findings.append(f"The house is left as it is: {self._house.root}.")
        if self._house.process is not None:
            self._house.kill()
        if not self.outcome.findings:
            self._disk.close()
            self._house.close()


def _is_drawn(client: Client) -> bool:
    """Say whether nothing waits or runs any more; what is held is tried again."""
    client.resume()
    if held := client.jobs([State.HELD]).jobs:
        client.release([job.id for job in held])
    counts = client.status().jobs
    return not any(counts.get(state) for state in ("queued", "running", "held"))
