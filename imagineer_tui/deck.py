"""A batch that is being drawn, as the command line follows it: jobs and messages in, no screen and no clock."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from imagineerd.client import Event, Followed
from imagineerd.jobs import ENDED_STATES, GenerateSpec, Job, JobError, State
from imagineerd.protocol import Batch, JobMoved, JobsAdded, PauseChanged, Snapshot, TakeAdded, Tick, Worker


class Card(msgspec.Struct):
    """One job of the batch and how far it is."""

    job: int
    slot: int
    name: str
    state: State
    steps: int
    step: int = 0
    error: JobError | None = None

    @property
    def ended(self) -> bool:
        """Nothing more happens to it."""
        return self.state in ENDED_STATES


class Deck:
    """The jobs to wait for, the worker, and whether the queue is paused.

    With `only`, those jobs; otherwise every job that is open or the newest of its slot, also such as are added.
    """

    def __init__(self, batch: Batch, only: Iterable[int] = ()) -> None:
        self.batch = batch
        self.only = frozenset(only)
        self.cards: dict[int, Card] = {}
        self.worker: Worker | None = None
        self.paused = False
        self.stale = True

    @property
    def ended(self) -> int:
        """How many cards nothing more happens to."""
        return sum(card.ended for card in self.cards.values())

    @property
    def finished(self) -> bool:
        """Say whether there is nothing left to wait for."""
        return not self.stale and self.ended == len(self.cards)

    @property
    def running(self) -> list[Card]:
        """Return the cards that are being drawn."""
        return [card for card in self.cards.values() if card.state is State.RUNNING]

    @property
    def undone(self) -> list[Card]:
        """Return the cards that ended without a picture."""
        return [card for card in self.cards.values() if card.ended and card.state is not State.DONE]

    def load(self, jobs: Iterable[Job]) -> list[Card]:
        """Take over the state of all jobs of the batch; return the cards that ended since the last look."""
        before = {number: card.ended for number, card in self.cards.items()}
        drawings = [job for job in jobs if isinstance(job.spec, GenerateSpec)]
        chosen = sorted(self._to_wait_for(drawings), key=lambda job: job.id)
        self.cards = {job.id: self._card(job, job.spec) for job in chosen if isinstance(job.spec, GenerateSpec)}
        self.stale = False
        return [card for card in self.cards.values() if card.ended and not before.get(card.job, False)]

    def take(self, message: Followed) -> list[Card]:
        """Take in a message; return the cards that ended by it. `stale` asks for a `load`."""
        match message:
            case Snapshot():
                self.worker, self.paused = message.worker, message.paused
            case Worker(lane="gpu"):
                self.worker = message
            case Tick() if message.job in self.cards:
                card = self.cards[message.job]
                card.step, card.steps = message.step, message.steps
            case Event():
                return self._happened(message.body)
        return []

    def _happened(self, body: object) -> list[Card]:
        match body:
            case JobMoved():
                return self._moved(body.job, body.state, body.error)
            case TakeAdded():
                return self._moved(body.take.job, State.DONE, None)
            case PauseChanged():
                self.paused = body.paused
            case JobsAdded(kind="generate") if body.batch == self.batch.id and not self.only:
                self.stale = True
        return []

    def _moved(self, job: int, state: State, error: JobError | None) -> list[Card]:
        card = self.cards.get(job)
        if card is None:
            return []
        ended_before = card.ended
        card.state, card.error = state, error
        card.step = 0 if state is State.QUEUED else card.step
        return [card] if card.ended and not ended_before else []

    def _to_wait_for(self, jobs: list[Job]) -> list[Job]:
        if self.only:
            return [job for job in jobs if job.id in self.only]
        if not self.batch.set:
            return jobs
        newest = {job.slot: job.id for job in sorted(jobs, key=lambda job: job.id)}
        return [job for job in jobs if job.state not in ENDED_STATES or newest[job.slot] == job.id]

    def _card(self, job: Job, spec: GenerateSpec) -> Card:
        name = spec.name or f"seed {spec.seed}"
        step = self.cards[job.id].step if job.id in self.cards else 0
        return Card(job.id, job.slot, name, job.state, spec.steps, step, job.error)


class Pace:
    """Estimates what is left from what was done since it was made. Times are seconds of any one clock."""

    def __init__(self, deck: Deck, now: float) -> None:
        self.began = now
        self._ended = deck.ended

    def left(self, deck: Deck, now: float) -> float | None:
        """Return the seconds left, None until something can be said."""
        open_cards = len(deck.cards) - deck.ended
        done = deck.ended - self._ended
        if done > 0:
            return (now - self.began) / done * open_cards
        speed = deck.worker.seconds_per_step if deck.worker else 0.0
        steps = sum(card.steps - card.step for card in deck.cards.values() if not card.ended)
        return speed * steps if speed else None
