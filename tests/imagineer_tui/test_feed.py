"""A world that is kept in step with a fake daemon, without any terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path

from fakes import BATCH, Deck, FakeDaemon, job
from piloting import answers

from imagineer_tui.feed import LONGEST_WAIT_S, Feed, waits
from imagineer_tui.model.ending import Ended
from imagineer_tui.model.world import World
from imagineerd.client import AsyncClient, Endpoints
from imagineerd.jobs import State
from imagineerd.protocol import BatchAdded, EventBody


class Following:
    """A running feed, and what it told."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.world = World()
        self.topics: set[str] = set()
        self.happened: list[EventBody] = []
        self.ended: list[Ended] = []
        self.client = AsyncClient(endpoints)
        self.feed = Feed(self.world, self.client, self.topics.update, self.happened.append, self.ended.append)

    async def until(self, condition: Callable[[World], object]) -> None:
        async with asyncio.timeout(20):
            while not condition(self.world):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)


@asynccontextmanager
async def following(endpoints: Endpoints) -> AsyncIterator[Following]:
    follower = Following(endpoints)
    task = asyncio.create_task(follower.feed.run())
    try:
        yield follower
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await follower.client.aclose()


async def test_it_takes_over_what_is_there_and_what_happens(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1), job(2), job(3)), (deck.batch(),)
    async with following(daemon.endpoints) as follower:
        await follower.until(lambda world: world.connection.live and world.status)
        assert list(follower.world.jobs) == [1, 2, 3]

        daemon.happen(deck.move(1, State.RUNNING))

        await follower.until(lambda world: world.jobs[1].state is State.RUNNING)
        assert len(follower.happened) == 1
        assert follower.topics == {"connection", "status", "queue", "progress"}


async def test_it_asks_for_the_cards_of_a_batch_that_an_event_only_names(daemon: FakeDaemon, deck: Deck):
    async with following(daemon.endpoints) as follower:
        await follower.until(lambda world: world.connection.live)

        daemon.happen(BatchAdded(batch=deck.batch(), jobs=(1, 2, 3)))

        await follower.until(lambda world: len(world.jobs) == 3)
        assert follower.world.jobs[2].spec.name == "Taurus"


async def test_it_is_in_step_again_when_the_daemon_was_away(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with following(daemon.endpoints) as follower:
        await follower.until(lambda world: world.connection.live)
        daemon.go_away()
        await follower.until(lambda world: world.connection.phase == "away")
        assert list(follower.world.jobs) == [1]

        daemon.happen(deck.move(1, State.RUNNING), told=False)
        daemon.come_back()

        await follower.until(lambda world: world.jobs[1].state is State.RUNNING)
        assert follower.world.connection.live


async def test_it_starts_over_with_another_database(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with following(daemon.endpoints) as follower:
        await follower.until(lambda world: world.jobs)

        daemon.snapshot_jobs, daemon.snapshot_batches = (), ()
        daemon.restart(epoch="e2")

        await follower.until(lambda world: world.connection.live and not world.jobs)
        assert BATCH not in follower.world.batches


async def test_it_waits_for_a_daemon_that_was_never_there(folder: Path):
    daemon = FakeDaemon(folder, answers())
    async with following(daemon.endpoints) as follower:
        await follower.until(lambda world: world.connection.retry_at)
        assert follower.world.connection.why == "No imagineerd answers."

        with daemon:
            follower.feed.try_now()
            await follower.until(lambda world: world.connection.live)


async def test_it_survives_rubbish(daemon: FakeDaemon):
    daemon.mood = "rubbish"
    async with following(daemon.endpoints) as follower:
        await follower.until(lambda world: world.connection.phase == "away")
        assert "no imagineerd that this client understands" in follower.world.connection.why

        daemon.mood = "fine"

        await follower.until(lambda world: world.connection.live)


def test_it_tries_less_and_less_often_up_to_a_bound():
    tries = list(islice(waits(), 10))

    assert tries == sorted(tries)
    assert tries[-1] == LONGEST_WAIT_S
