"""Clients that deal, steer, pick, delete and restore at random, and remember what they were told has happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

from house import House

from imagineerd.client import Client, Event
from imagineerd.errors import DaemonAway, DiskError, Full, ImagineerError, NotFound, WrongState
from imagineerd.jobs import State
from imagineerd.protocol import JobMoved, Settings, Snapshot, Take, TakeAdded

REFUSALS = (DaemonAway, DiskError, Full, NotFound, WrongState)
"""What a daemon may say, or fail to say, while it is tormented."""
ANYWHERE = frozenset({"kept", "trash", "gone"})
PATIENCE_S = 20.0


class Player(threading.Thread):
    """One client. `accepted` are the jobs it was promised, `asked` how many batches it ever asked for.

    `places` tells for each take that it touched where it may be; whoever holds `turn` keeps it from acting.
    """

    def __init__(self, house: House, name: str, seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self.turn = threading.Lock()
        self.asked = 0
        self.batches: list[str] = []
        self.accepted: set[int] = set()
        self.cancelled: set[int] = set()
        self.places: dict[int, frozenset[str]] = {}
        self.faults: list[str] = []
        self.acts = 0
        self._house = house
        self._random = Random(seed)  # noqa: S311 - the same course each time
        self._over = threading.Event()

    def run(self) -> None:
        """Act until told to stop."""
        with Client.connect(self._house.paths, timeout=PATIENCE_S, name=self.name) as client:
            while not self._over.is_set():
                with self.turn:
                    self._act(client)
                self._over.wait(self._random.random() * 0.05)

    def leave(self) -> None:
        """Stop acting and wait until it is so."""
        self._over.set()
        self.join()

    def _act(self, client: Client) -> None:
        (act,) = self._random.choices(tuple(ACTS), tuple(ACTS.values()))
        try:
            act(self, client)
            self.acts += 1
        except REFUSALS:
            pass
        except ImagineerError as error:
            self.faults.append(f"{self.name} was told at {act.__name__}: {error.code} {error}")

    # ------------------------------------------------------------ what it does

    def deal(self, client: Client) -> None:
        """Ask for a batch, of a set or of a prompt."""
        settings = Settings(steps=self._random.randint(1, 4), width=64, height=64)
        self.asked += 1
        if self._random.random() < 0.5:
            cards = self._random.sample(range(1, 13), self._random.randint(1, 6))
            dealt = client.deal("zodiac", "at sea", settings, cards)
        else:
            dealt = client.generate("a fox", self._random.randint(1, 4), settings)
        self.batches.append(dealt.batch.id)
        self.accepted.update(dealt.jobs)

    def reroll(self, client: Client) -> None:
        """Ask for another take of a card that has one."""
        take = self._some_take(client)
        self.accepted.update(client.reroll(take.batch, [take.slot]).jobs)

    def cancel(self, client: Client) -> None:
        """Cancel some job of its own."""
        job = self._random.choice(sorted(self.accepted) or [1])
        self.cancelled.add(job)
        client.cancel([job])

    def steer(self, client: Client) -> None:
        """Move what waits, hold it, or give it another priority."""
        jobs = [job.id for job in client.jobs([State.QUEUED]).jobs if job.id in self.accepted]
        chosen = self._random.sample(jobs, min(len(jobs), 3))
        if not chosen:
            return
        match self._random.randint(0, 2):
            case 0:
                client.move(chosen, end=self._random.choice(["top", "bottom"]))
            case 1:
                client.hold(chosen)
            case _:
                client.set_priority(self._random.randint(-5, 5), chosen)

    def set_free(self, client: Client) -> None:
        """Queue again what is held or failed."""
        if held := [job.id for job in client.jobs([State.HELD]).jobs if job.id in self.accepted]:
            client.release(held)
        client.retry(failed=True)

    def pause(self, client: Client) -> None:
        """Pause the queue for a moment."""
        client.pause(now=self._random.random() < 0.5)
        client.resume()

    def pick(self, client: Client) -> None:
        """Choose a take, and mark it."""
        take = self._some_take(client)
        client.pick(take.id)
        client.favourite([take.id], on=self._random.random() < 0.5)

    def delete(self, client: Client) -> None:
        """Put a take, or all of a batch, into the trash."""
        take = self._some_take(client)
        if self._random.random() < 0.5:
            self._remove(client, [take.id])
        else:
            takes = [found.id for slot in client.batch(take.batch).slots for found in slot.takes]
            self._remove(client, takes)

    def restore(self, client: Client) -> None:
        """Take back some of what it deleted."""
        gone = [take for take, places in self.places.items() if places != {"kept"}]
        for take in self._random.sample(gone, min(len(gone), 3)):
            before, self.places[take] = self.places[take], ANYWHERE
            try:
                client.restore([take])
            except NotFound:
                self.places[take] = before
                continue
            self.places[take] = frozenset({"kept"})

    def empty(self, client: Client) -> None:
        """Delete for good what is in the trash."""
        client.empty_trash()

    def look(self, client: Client) -> None:
        """Fetch a picture, which the client compares with its hash."""
        take = self._some_take(client)
        client.picture(take.id)

    def _remove(self, client: Client, takes: list[int]) -> None:
        before = {take: self.places.get(take, frozenset({"kept"})) for take in takes}
        self.places.update(dict.fromkeys(takes, ANYWHERE))
        try:
            client.delete(takes)
        except (DiskError, NotFound):  # nothing was deleted
            self.places.update(before)
            raise
        self.places.update(dict.fromkeys(takes, frozenset({"trash", "gone"})))

    def _some_take(self, client: Client) -> Take:
        if not self.batches:
            raise NotFound("There is no batch yet.")
        batch = client.batch(self._random.choice(self.batches[-20:]))
        takes = [take for slot in batch.slots for take in slot.takes]
        if not takes:
            raise NotFound("There is no take yet.")
        return self._random.choice(takes)


ACTS: dict[Callable[[Player, Client], None], int] = {
    Player.deal: 8,
    Player.reroll: 5,
    Player.cancel: 2,
    Player.steer: 4,
    Player.set_free: 2,
    Player.pause: 1,
    Player.pick: 4,
    Player.delete: 4,
    Player.restore: 3,
    Player.empty: 1,
    Player.look: 3,
}


class Follower(threading.Thread):
    """Follows the events from the first one on, and notes every gap and every repetition."""

    def __init__(self, house: House) -> None:
        super().__init__(name="follower", daemon=True)
        self.seq = 0
        self.states: dict[int, State] = {}
        self.takes: set[int] = set()
        self.faults: list[str] = []
        self._house = house

    def run(self) -> None:
        """Follow for ever."""
        with Client.connect(self._house.paths, timeout=PATIENCE_S, name=self.name) as client:
            for message in client.events():
                if isinstance(message, Snapshot):
                    self._begin(message)
                elif isinstance(message, Event):
                    self._note(message)

    def _begin(self, snapshot: Snapshot) -> None:
        if self.seq:
            self.faults.append(f"After event {self.seq} came a snapshot instead of what was missed.")
        self.seq = snapshot.seq

    def _note(self, event: Event) -> None:
        if event.seq != self.seq + 1:
            self.faults.append(f"After event {self.seq} came event {event.seq}.")
        self.seq = event.seq
        if isinstance(event.body, JobMoved):
            self.states[event.body.job] = event.body.state
        if isinstance(event.body, TakeAdded):
            self.takes.add(event.body.take.id)
