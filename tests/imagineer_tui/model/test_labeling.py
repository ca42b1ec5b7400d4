"""How the labeler is, in a line, and what can be asked of it."""

from __future__ import annotations

from collections import deque

import pytest
from fakes import BATCH, Deck, job, label_spec, take
from msgspec.structs import replace

from imagineer_tui.model.labeling import Notice, notice, scopes
from imagineer_tui.model.labels import Entry
from imagineer_tui.model.world import Build, World
from imagineerd.jobs import Job, State
from imagineerd.protocol import Check, Label, Worker

DOCKER = Check(name="docker", level="ok", message="The docker engine answers.")
LABELER = Check(name="labeler", level="ok", message="The image x is there.")
LOGIN = Check(name="login", level="ok", message="The labeler needs no login.")
NO_DOCKER = Check(
    name="docker",
    level="warn",
    message="There is no docker engine at /d.",
    remedy="Install Docker. Only labels need it.",
)
NO_IMAGE = replace(LABELER, level="warn", message="The image x is not there.", remedy="Run: imagineer labels build.")
WELL = (DOCKER, LABELER, LOGIN)


def label_job(number: int, state: State) -> Job:
    return replace(job(number), state=state, spec=label_spec(number))


def world(*states: State, detail: str = "", **more: object) -> World:
    jobs = {number: label_job(number, state) for number, state in enumerate(states, 11)}
    return World(jobs={1: job(1), **jobs}, labeling=Worker(lane="io", phase="idle", detail=detail), **more)


def test_nothing_is_said_while_nothing_is_known():
    assert notice(World(), ()) is None


def test_a_labeler_that_lacks_nothing_is_ready():
    assert notice(world(), WELL) == Notice("✓", "The labeler is ready.")


def test_what_is_missing_is_said_with_its_remedy():
    assert notice(world(), (NO_DOCKER, LABELER)) == Notice(
        "!", "There is no docker engine at /d. Install Docker.", "needs"
    )
    assert notice(world(), (DOCKER, NO_IMAGE)) == Notice("!", "The image x is not there. B builds it here.", "needs")


def test_what_goes_on_is_counted():
    said = notice(world(State.RUNNING, State.RUNNING, State.QUEUED, State.DONE), WELL)
    assert said == Notice("▶", "2 pictures with the labeler, 1 to come.", "live")


def test_a_labeler_that_rests_says_why_and_until_when():
    limit = "The labeler's account has reached its limit: no more. Labeling goes on at 14:05."
    assert notice(world(State.QUEUED, detail=limit), WELL) == Notice("‖", f"Paused: {limit}", "needs")


def test_where_the_image_is_missing_the_key_that_builds_it_is_named():
    said = notice(world(State.QUEUED, detail="The image x is not there."), (DOCKER, NO_IMAGE))
    assert said
    assert said.text == "Paused: The image x is not there. B builds it here."


def test_a_paused_queue_is_the_reason_for_which_nothing_is_labelled():
    said = notice(world(State.QUEUED, paused=True), WELL)
    assert said
    assert "press 4, then p" in said.text


def test_a_build_is_told_of_until_it_ends_and_longer_where_it_failed():
    going = world(build=Build(deque(["Step 1"])))
    assert notice(going, WELL) == Notice("▶", "The labeler's image is being built:", "live")
    failed = world(build=Build(ended=True, error="There is no room."))
    assert notice(failed, WELL) == Notice("✗", "There is no room. B tries again.", "needs")
    assert notice(world(build=Build(ended=True)), WELL) == Notice("✓", "The labeler is ready.")


# ---------------------------------------------------------------- what can be asked for

LABEL = Label(id=1, caption="A ram.")
BARE = Entry(take(2), "Taurus", "none")
LABELLED = Entry(replace(take(1), label=LABEL), "Aries", "labelled")
HERE = replace(Deck().batch(), takes=2, labelled=1)
ELSEWHERE = replace(HERE, id="tarot", takes=5, labelled=2)


def test_what_has_no_label_is_offered_first():
    found = scopes(LABELLED, [LABELLED, BARE], [HERE, ELSEWHERE], BATCH)
    assert [(scope.key, scope.text) for scope in found] == [
        ("rest", "what has no label in this batch: 1 take"),
        ("take", "Aries alone once more"),
        ("all", "this whole batch once more: 2 takes"),
        ("everything", "what has no label in any batch: 4 takes"),
    ]


@pytest.mark.parametrize(
    ("key", "takes", "batches", "force"),
    [
        ("rest", (), (BATCH,), False),
        ("take", (1,), (), True),
        ("all", (), (BATCH,), True),
        ("everything", (), (BATCH, "tarot"), False),
    ],
)
def test_each_names_what_the_daemon_is_asked_for(
    key: str,
    takes: tuple[int, ...],
    batches: tuple[str, ...],
    force: bool,  # noqa: FBT001 - a parameter of the test
):
    found = {scope.key: scope for scope in scopes(LABELLED, [LABELLED, BARE], [HERE, ELSEWHERE], BATCH)}
    assert found[key][2:] == (takes, batches, force)


def test_only_what_makes_sense_is_offered():
    labelled = replace(HERE, labelled=2)
    assert [scope.key for scope in scopes(BARE, [BARE], [HERE], BATCH)] == ["rest", "take"]
    assert [scope.key for scope in scopes(LABELLED, [LABELLED], [labelled], BATCH)] == ["take", "all"]
    assert scopes(None, [], [replace(HERE, takes=0, labelled=0)], BATCH) == []
