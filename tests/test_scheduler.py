from hypothesis import given
from hypothesis import strategies as st

from imagineerd.scheduler import Waiting, next_batch

entries = st.builds(
    Waiting,
    job=st.integers(1, 10_000),
    priority=st.integers(-2, 2),
    group=st.sampled_from(["a", "b", "c"]),
    attempts=st.integers(0, 1),
)
queues = st.lists(entries, max_size=40, unique_by=lambda entry: entry.job)
sizes = st.sampled_from([(1,), (1, 4), (2, 4), (1, 2, 4, 8)])


def test_nothing_is_drawn_when_nothing_waits():
    assert next_batch([], (1, 4)) is None


def test_the_oldest_job_goes_first():
    batch = next_batch([Waiting(2, 0, "a"), Waiting(1, 0, "b")], (1,))

    assert batch is not None
    assert batch.jobs == (1,)


def test_a_higher_priority_goes_before_age():
    batch = next_batch([Waiting(1, 0, "a"), Waiting(2, 5, "a")], (1, 4))

    assert batch is not None
    assert batch.jobs == (2,)


def test_jobs_of_one_group_ride_along_even_if_others_stand_between_them():
    queue = [Waiting(1, 0, "a"), Waiting(2, 0, "b"), Waiting(3, 0, "a"), Waiting(4, 0, "a"), Waiting(5, 0, "a")]

    batch = next_batch(queue, (1, 4))

    assert batch is not None
    assert (batch.jobs, batch.size) == ((1, 3, 4, 5), 4)


def test_a_job_whose_worker_died_runs_alone():
    queue = [Waiting(1, 0, "a", attempts=1), Waiting(2, 0, "a"), Waiting(3, 0, "a")]

    batch = next_batch(queue, (1, 4))

    assert batch is not None
    assert batch.jobs == (1,)


def test_nobody_rides_along_who_has_seen_a_worker_die():
    queue = [Waiting(1, 0, "a"), Waiting(2, 0, "a", attempts=1), Waiting(3, 0, "a")]

    batch = next_batch(queue, (1, 2, 4))

    assert batch is not None
    assert batch.jobs == (1, 3)


@given(queues, sizes)
def test_a_call_shares_one_group_and_one_fixed_size(queue, fixed):
    batch = next_batch(queue, fixed)

    by_id = {entry.job: entry for entry in queue}
    chosen = [by_id[job] for job in batch.jobs] if batch else []
    assert len({(entry.group, entry.priority) for entry in chosen}) <= 1
    assert batch is None or (batch.size in fixed and len(batch.jobs) <= batch.size)


@given(queues, sizes)
def test_no_job_is_passed_over_for_ever(queue, fixed):
    waiting = {entry.job: entry for entry in queue}
    drawn = []
    while batch := next_batch(waiting.values(), fixed):
        head = min(waiting.values(), key=lambda entry: (-entry.priority, entry.job))
        assert head.job in batch.jobs
        drawn += batch.jobs
        for job in batch.jobs:
            del waiting[job]

    assert sorted(drawn) == sorted(entry.job for entry in queue)
