"""Steering the queue of a real daemon (with the fake worker)."""

from __future__ import annotations

import pytest
from house import House, drawn, wait_until

from imagineerd.client import Client
from imagineerd.errors import Invalid, NotFound, WrongState
from imagineerd.jobs import A_FEW, State
from imagineerd.protocol import Settings

SLOW = Settings(steps=100)


def queue(client: Client) -> list[int]:
    return [job.id for job in client.queue(1000).jobs]


def test_a_whole_batch_is_cancelled_what_waits_at_once_and_what_runs_between_two_steps(client: Client) -> None:
    dealt = client.deal("zodiac", "SLOW", SLOW)
    wait_until(lambda: client.batch(dealt.batch.id).batch.states.get("running"))
    done = client.cancel(batch_id=dealt.batch.id)

    assert sorted(done.cancelled + done.stopping) == list(dealt.jobs)
    assert done.stopping
    assert drawn(client, dealt.batch.id).batch.states == {"cancelled": 12}


def test_what_was_cancelled_can_be_queued_again(client: Client) -> None:
    blocker = client.generate("SLOW", settings=SLOW)
    job = client.generate("a fox").jobs[0]
    client.cancel([job])
    client.cancel(blocker.jobs)

    assert client.retry([job]).jobs == (job,)
    wait_until(lambda: job in [done.id for done in client.jobs([State.DONE]).jobs])


def test_what_is_done_cannot_be_queued_again(client: Client) -> None:
    dealt = client.generate("a fox")
    drawn(client, dealt.batch.id)

    with pytest.raises(WrongState, match="is done"):
        client.retry(dealt.jobs)
    assert client.cancel(dealt.jobs).ended == dealt.jobs


def test_a_job_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.cancel([10**9])


def test_all_that_failed_is_queued_again(client: Client) -> None:
    failed = client.deal("zodiac", "FAIL", cards=[1, 2])
    drawn(client, failed.batch.id)

    assert set(failed.jobs) <= set(client.retry(failed=True).jobs)
    drawn(client, failed.batch.id)


def test_a_paused_queue_takes_work_and_draws_none_until_it_is_resumed(client: Client) -> None:
    client.pause()
    dealt = client.deal("zodiac", cards=[1])
    assert client.status().paused
    assert client.queue().paused
    assert client.batch(dealt.batch.id).batch.states == {"queued": 1}

    client.resume()
    assert drawn(client, dealt.batch.id).batch.states == {"done": 1}
    assert not client.status().paused


def test_to_pause_at_once_stops_what_is_drawn_and_keeps_it(client: Client) -> None:
    (job,) = client.generate("SLOW", settings=SLOW).jobs
    wait_until(lambda: client.jobs([State.RUNNING]).jobs)
    client.pause(now=True)
    wait_until(lambda: client.queue().jobs[0].state is State.QUEUED)

    assert [(found.id, found.attempts) for found in client.queue().jobs] == [(job, 0)]
    client.cancel([job])
    client.resume()


def test_a_few_pictures_go_ahead_of_a_deck_and_many_do_not(paused: Client) -> None:
    deck = paused.deal("zodiac", cards=[1, 2])
    many = paused.generate("many", A_FEW + 1)
    few = paused.generate("few", 2)
    again = paused.reroll(deck.batch.id, [2])

    assert queue(paused) == [*few.jobs, *again.jobs, *deck.jobs, *many.jobs]


def test_a_priority_that_is_asked_for_is_given(paused: Client) -> None:
    low = paused.generate("low", priority=-5)
    deck = paused.deal("zodiac", cards=[1])
    high = paused.deal("zodiac", cards=[1], priority=50)

    assert queue(paused) == [*high.jobs, *deck.jobs, *low.jobs]


def test_clients_of_different_names_take_turns(paused: Client, faking: House) -> None:
    many = paused.deal("zodiac", cards=[1, 2, 3]).jobs
    with Client.connect(faking.paths, name="other") as other:
        few = other.deal("zodiac", cards=[1, 2]).jobs

    assert queue(paused) == [many[0], few[0], many[1], few[1], many[2]]


def test_jobs_and_batches_are_moved(paused: Client) -> None:
    first = paused.deal("zodiac", cards=[1, 2]).jobs
    second = paused.deal("zodiac", cards=[1, 2])

    assert paused.move(batch_id=second.batch.id, end="top").jobs == second.jobs
    assert queue(paused) == [*second.jobs, *first]
    paused.move([first[1]], before=second.jobs[1])
    assert queue(paused) == [second.jobs[0], first[1], second.jobs[1], first[0]]
    paused.move([second.jobs[0]], end="bottom")
    assert queue(paused) == [first[1], second.jobs[1], first[0], second.jobs[0]]


def test_what_is_moved_is_drawn_in_its_new_order(house: House) -> None:
    house.with_fake_worker(generation="{batch_size: 1}").start()
    with house.client() as client:
        client.pause()
        dealt = client.deal("zodiac", cards=[1, 2, 3])
        client.move([dealt.jobs[2]], end="top")
        client.set_priority(5, [dealt.jobs[1]])
        order = queue(client)
        client.resume()
        drawn(client, dealt.batch.id)

        started = sorted(client.jobs(batch_id="last").jobs, key=lambda job: job.started_at or 0)
        assert [job.id for job in started] == order == [dealt.jobs[1], dealt.jobs[2], dealt.jobs[0]]


def test_a_place_must_be_named_and_only_one(paused: Client) -> None:
    (job,) = paused.generate("a fox").jobs
    with pytest.raises(Invalid, match="Say where to"):
        paused.move([job])
    with pytest.raises(Invalid, match="Say where to"):
        paused.move([job], end="top", before=job)


def test_a_deck_can_be_held_and_released(client: Client) -> None:
    dealt = client.deal("zodiac", cards=[1, 2], hold=True)
    assert client.batch(dealt.batch.id).batch.states == {"held": 2}
    assert client.complete(dealt.batch.id).jobs == ()

    assert client.release(batch_id=dealt.batch.id).jobs == dealt.jobs
    assert drawn(client, dealt.batch.id).batch.states == {"done": 2}


def test_a_waiting_job_can_be_held_and_is_then_passed_over(paused: Client) -> None:
    dealt = paused.deal("zodiac", cards=[1, 2])
    assert paused.hold(dealt.jobs[:1]).jobs == dealt.jobs[:1]
    paused.resume()

    assert drawn(paused, dealt.batch.id).batch.states == {"held": 1, "done": 1}
    paused.cancel(batch_id=dealt.batch.id)
    assert paused.batch(dealt.batch.id).batch.states == {"cancelled": 1, "done": 1}


def test_the_queue_is_read_page_by_page(paused: Client) -> None:
    jobs = paused.deal("zodiac").jobs
    found: list[int] = []
    page = paused.queue(5)
    while page.after:
        found += [job.id for job in page.jobs]
        page = paused.queue(5, page.after)

    assert (*found, *(job.id for job in page.jobs)) == jobs


def test_pause_order_and_holds_outlive_a_kill(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        client.pause()
        dealt = client.deal("zodiac", cards=[1, 2, 3, 4])
        client.move([dealt.jobs[3]], end="top")
        client.hold([dealt.jobs[1]])
        before = queue(client)
        house.kill()
        house.start()

        assert client.status().paused
        assert queue(client) == before == [dealt.jobs[3], dealt.jobs[0], dealt.jobs[2]]
        client.resume()
        assert drawn(client, dealt.batch.id).batch.states == {"done": 3, "held": 1}


def test_a_daemon_may_start_paused(house: House) -> None:
    house.with_fake_worker(daemon="{start_paused: true}").start()
    with house.client() as client:
        assert client.status().paused
        client.resume()
        assert not client.status().paused
