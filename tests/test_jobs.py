"""Jobs: the table of moves, complete specs, and what may share one call of the UNet."""

from __future__ import annotations

import msgspec
import pytest
from decks import spec
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.jobs import (
    ENDED_STATES,
    LANES,
    MAY_FOLLOW,
    OPEN_STATES,
    SCHEDULERS,
    GenerateSpec,
    Job,
    LabelSpec,
    LoraWeight,
    PromptParts,
    State,
    canvas_of,
    group_key,
    model_of,
    picture_key,
    shape_of,
    sources_of,
    steps_of,
    weights_of,
)

names = st.text(max_size=12)
mixes = st.lists(st.builds(LoraWeight, names, st.floats(-2, 2), names), max_size=3).map(tuple)


def test_every_state_stands_in_the_table_of_moves() -> None:
    assert set(MAY_FOLLOW) == set(State) == OPEN_STATES | ENDED_STATES


def test_what_is_done_stays_done() -> None:
    assert not MAY_FOLLOW[State.DONE]


def test_only_what_runs_can_be_done() -> None:
    assert sources_of(State.DONE) == (State.RUNNING,)


def test_every_other_end_can_be_taken_back() -> None:
    assert all(State.QUEUED in MAY_FOLLOW[state] for state in ENDED_STATES - {State.DONE})


def test_everything_unfinished_can_be_cancelled() -> None:
    assert set(sources_of(State.CANCELLED)) == set(State) - {State.DONE, State.CANCELLED}


def test_sources_and_followers_tell_the_same() -> None:
    for state in State:
        assert all(state in MAY_FOLLOW[source] for source in sources_of(state))


def test_a_job_starts_from_the_queue_and_from_nowhere_else() -> None:
    assert sources_of(State.RUNNING) == (State.QUEUED,)


def test_every_kind_of_job_has_a_lane() -> None:
    assert {GenerateSpec: "gpu", LabelSpec: "io"} == LANES


def test_a_label_takes_no_steps() -> None:
    assert steps_of(group_key(LabelSpec(1, "default", "1", "Look."))) == 0


def test_a_spec_comes_back_as_it_was_stored() -> None:
    job = Job(1, "b", 1, State.QUEUED, spec(7))

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(job), type=Job) == job


def test_a_spec_names_its_kind_so_that_others_can_join_it() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(spec()))["kind"] == "generate"


def test_a_spec_with_a_word_too_many_is_refused() -> None:
    data = msgspec.to_builtins(spec()) | {"stepz": 3}

    with pytest.raises(msgspec.ValidationError, match="stepz"):
        msgspec.convert(data, GenerateSpec)


@pytest.mark.parametrize(("field", "value"), [("width", 65), ("height", 2056), ("steps", 0), ("seed", -1)])
def test_a_spec_out_of_range_is_refused(field: str, value: int) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(msgspec.to_builtins(spec()) | {field: value}, GenerateSpec)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"model_revision": "r2"},
        {"width": 128},
        {"height": 128},
        {"steps": 9},
        {"scheduler": "lms"},
        {"mix": (LoraWeight("Ink"),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_one_call_must_share_parts_the_groups(change: dict[str, object]) -> None:
    assert group_key(msgspec.structs.replace(spec(), **change)) != group_key(spec())


def test_prompt_and_seed_may_differ_within_a_group() -> None:
    assert group_key(spec(1, "The Fool")) == group_key(spec(2, "The Magician"))


KNOWN = msgspec.structs.replace(spec(), model_revision="r1", mix=(LoraWeight("Ink", 0.5, "abc"),))


@pytest.mark.parametrize(
    "change",
    [{"name": "The Moon"}, {"parts": PromptParts(theme="gold")}, {"mix": (LoraWeight("Renamed", 0.5, "abc"),)}],
    ids=lambda change: next(iter(change)),
)
def test_names_do_not_change_a_picture(change: dict[str, object]) -> None:
    assert picture_key(msgspec.structs.replace(KNOWN, **change)) == picture_key(KNOWN)


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a cat"},
        {"negative_prompt": "a cat"},
        {"seed": 77},
        {"steps": 9},
        {"guidance_scale": 1.0},
        {"scheduler": "lms"},
        {"width": 128},
        {"model_revision": "r2"},
        {"mix": (LoraWeight("Ink", 0.4, "abc"),)},
        {"mix": (LoraWeight("Ink", 0.5, "abd"),)},
        {"mix": ()},
    ],
    ids=str,
)
def test_all_that_is_drawn_from_changes_a_picture(change: dict[str, object]) -> None:
    assert picture_key(msgspec.structs.replace(KNOWN, **change)) not in {picture_key(KNOWN), ""}


def test_a_picture_of_an_unknown_model_or_lora_is_not_known() -> None:
    assert picture_key(msgspec.structs.replace(KNOWN, model_revision="")) == ""
    assert picture_key(msgspec.structs.replace(KNOWN, mix=(LoraWeight("Ink"),))) == ""


def test_a_group_tells_its_model_its_weights_and_its_canvas_apart() -> None:
    inked = msgspec.structs.replace(spec(), mix=(LoraWeight("Ink"),))
    keys = [
        group_key(each)
        for each in (
            inked,
            msgspec.structs.replace(inked, steps=9, scheduler="lms"),
            msgspec.structs.replace(inked, width=128),
            msgspec.structs.replace(spec(), mix=()),
            msgspec.structs.replace(inked, model_revision="r2"),
        )
    ]

    assert [canvas_of(key) == canvas_of(keys[0]) for key in keys] == [True, True, False, False, False]
    assert [weights_of(key) == weights_of(keys[0]) for key in keys] == [True, True, True, False, False]
    assert [model_of(key) == model_of(keys[0]) for key in keys] == [True, True, True, True, False]
    assert [shape_of(key) == shape_of(keys[0]) for key in keys] == [True, True, False, True, False]


@given(names, mixes, st.integers(1, 150), st.sampled_from(SCHEDULERS))
def test_the_steps_can_be_read_from_a_group_whatever_the_model_is_called(
    model: str, mix: tuple[LoraWeight, ...], steps: int, scheduler: str
) -> None:
    given_spec = msgspec.structs.replace(spec(), model=model, mix=mix, steps=steps, scheduler=scheduler)

    assert steps_of(group_key(given_spec)) == steps
