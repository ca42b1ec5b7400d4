"""What the Labels screen makes of batches, takes, their labels and their jobs."""

from __future__ import annotations

from fakes import BATCH, Deck, job, label_spec, take
from msgspec.structs import replace

from imagineer_tui.model.labels import (
    Tally,
    draft_of,
    entries,
    field_of,
    newest_jobs,
    next_rating,
    open_jobs,
    original,
    read,
    source,
    tally,
    tally_of,
    with_label,
)
from imagineer_tui.model.world import World
from imagineerd import protocol
from imagineerd.jobs import Job, JobError, State
from imagineerd.protocol import Label, LabelChanged

RAM = Label(id=5, caption="A ram.", rating="SAFE", tags=("ram", "gold"), model="claude-x", prompt="default", job=11)
BY_HAND = replace(RAM, id=6, caption="A golden ram.", person="1000")
ERROR = JobError("E_LABEL", "The labeler was not understood.")


def label_job(number: int, of: int, state: State = State.QUEUED, error: JobError | None = None) -> Job:
    return replace(job(number), slot=of, state=state, spec=label_spec(of), error=error)


def detail(*labels: Label | None) -> protocol.BatchDetail:
    """A deck of three, the first cards of which are drawn and have these labels."""
    deck = Deck()
    for number, _ in enumerate(labels, 1):
        deck.finish(number)
    found = deck.detail()
    for number, label in enumerate(labels, 1):
        found = with_label(found, LabelChanged(batch=BATCH, slot=number, take=number, label=label))
    return found


def standings(found: protocol.BatchDetail, *jobs: Job) -> list[tuple[str, str]]:
    newest = newest_jobs(World(), jobs)
    return [(entry.name, entry.standing) for entry in entries(found, newest)]


def test_a_take_stands_as_its_newest_job_does():
    jobs = [label_job(11, 1, State.RUNNING), label_job(12, 2), label_job(13, 3, State.FAILED, ERROR)]
    assert standings(detail(None, None, None), *jobs) == [
        ("Aries", "running"), ("Taurus", "waiting"), ("Gemini", "failed"),
    ]  # fmt: skip


def test_without_a_job_a_take_has_a_label_or_none():
    assert standings(detail(RAM, None)) == [("Aries", "labelled"), ("Taurus", "none")]


def test_a_failure_is_over_once_something_was_said_since():
    failed = label_job(12, 1, State.FAILED, ERROR)
    assert standings(detail(RAM), failed) == [("Aries", "failed")]
    assert standings(detail(replace(RAM, job=13)), failed) == [("Aries", "labelled")]
    assert standings(detail(BY_HAND), failed) == [("Aries", "labelled")]
    assert standings(detail(RAM), failed, label_job(14, 1, State.DONE)) == [("Aries", "labelled")]


def test_what_the_world_knows_of_a_job_counts_more_than_what_was_asked_for_before():
    world = World(jobs={12: label_job(12, 1, State.RUNNING)})
    assert newest_jobs(world, [label_job(12, 1, State.FAILED, ERROR)])[1].state is State.RUNNING


def test_several_takes_of_a_card_are_told_apart():
    found = detail(RAM)
    first = replace(found.slots[0], takes=(take(1), replace(take(4), slot=1)))
    assert [name for name, _ in standings(replace(found, slots=(first,)))] == ["Aries #1", "Aries #4"]


def test_a_batch_whose_takes_are_known_is_counted_exactly():
    jobs = newest_jobs(World(), [label_job(12, 2, State.RUNNING), label_job(13, 3, State.FAILED, ERROR)])
    found = tally_of(entries(detail(RAM, None, None), jobs))
    assert found == Tally(labelled=1, takes=3, running=1, failed=1)
    assert str(found) == "1 of 3 labelled · 1 now · 1 failed"
    assert found.standing == "running"


def test_of_another_batch_the_daemon_has_counted_the_labels():
    batch = replace(Deck().batch(), takes=3, labelled=3)
    assert tally(batch, [label_job(13, 3, State.FAILED, ERROR)]) == Tally(3, 3)
    assert tally(batch, []).standing == "labelled"
    assert tally(replace(batch, labelled=2), [label_job(13, 3, State.FAILED, ERROR)]).standing == "failed"
    assert tally(replace(batch, takes=0, labelled=0), []).standing == "none"


def test_a_changed_label_changes_its_take_alone():
    found = detail(RAM, RAM)
    found = with_label(
        found, LabelChanged(batch=BATCH, slot=1, take=1, label=replace(RAM, rating="ADULT", is_nsfw=True))
    )
    first, second = (slot.takes[0] for slot in found.slots[:2])
    assert (first.rating, first.is_nsfw) == ("ADULT", True)
    assert (second.rating, second.is_nsfw) == ("SAFE", False)

    gone = with_label(found, LabelChanged(batch=BATCH, slot=1, take=1)).slots[0].takes[0]
    assert (gone.label, gone.rating, gone.is_nsfw) == (None, None, None)


def test_only_what_waits_or_runs_can_be_stopped():
    jobs = (job(1), label_job(11, 1, State.RUNNING), label_job(12, 2), label_job(13, 3, State.DONE))
    assert open_jobs(World(jobs={job.id: job for job in jobs}), BATCH) == (11, 12)


def test_a_label_names_who_said_it():
    assert source(RAM) == "claude-x · prompt default"
    assert source(BY_HAND) == "by hand, after claude-x · prompt default"
    assert source(Label(id=1, caption="x", person="1000")) == "by hand"
    assert source(replace(RAM, model="")) == "a labeler · prompt default"


def test_the_labelers_own_is_what_no_person_changed_and_what_was_understood():
    garbage = Label(id=7, prompt="default", answer="Hm.")
    assert original(protocol.Labels(take=1, current=6, labels=(garbage, BY_HAND, RAM))) == RAM
    assert original(protocol.Labels(take=1, labels=(garbage,))) is None


def test_a_label_is_typed_as_it_is_read():
    assert read(draft_of(RAM)) == ("A ram.", "SAFE", ("ram", "gold"), {})
    assert draft_of(None) == {"caption": "", "rating": "", "tags": ""}


def test_what_is_typed_is_tidied_up():
    edit = read({"caption": " A\n ram ", "rating": "Adult", "tags": "Ram, ,gold,ram"})
    assert (edit.caption, edit.rating, edit.tags) == ("A ram", "ADULT", ("ram", "gold"))


def test_what_cannot_be_kept_is_said_at_its_field():
    assert read({"caption": "x" * 4001, "rating": "lewd", "tags": "y" * 101}).faults.keys() == {
        "caption", "rating", "tags",
    }  # fmt: skip
    assert read({"caption": " ", "rating": "", "tags": ","}).faults.keys() == {"caption"}
    assert field_of("$.tags[3]") == "tags"
    assert field_of("") == "caption"


def test_the_arrows_go_through_the_ratings():
    assert [next_rating(text, 1) for text in ("", "safe", "explicit", "nonsense")] == ["safe", "suggestive", "", "safe"]
    assert next_rating("safe", -1) == ""
