"""A message of the future: what is unknown in it is left out, and what is known is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from imagineerd import lenient, protocol
from imagineerd.jobs import GenerateSpec
from imagineerd.protocol import Jobs, Snapshot, decode_from_daemon, decode_request

GOLDEN = json.loads((Path(__file__).parent / "data" / "protocol" / "messages.json").read_text())
BODIES = {message["kind"]: bytes.fromhex(message["body"]) for message in GOLDEN}
OF_TOMORROW = {"of_tomorrow": [1, {"two": None}]}


def grown(kind: str, *path: str | int) -> bytes:
    """Return a golden message with an unknown field where the path leads."""
    body = msgspec.msgpack.decode(BODIES[kind])
    place = body
    for step in path:
        place = place[step]
    place.update(OF_TOMORROW)
    return msgspec.msgpack.encode(body)


def with_jobs(*jobs: dict[str, Any]) -> bytes:
    """Return a page of jobs of which these are the newest."""
    old = msgspec.msgpack.decode(BODIES["jobs_are"])
    return msgspec.msgpack.encode({**old, "jobs": [*jobs, *old["jobs"]]})


def label_job(number: int) -> dict[str, Any]:
    """A job of a kind that came later, on a lane of its own."""
    return {
        "id": number,
        "batch": "zodiac",
        "slot": 1,
        "state": "queued",
        "lane": "io",
        "spec": {"kind": "dream", "take": 7, "labeller": "florence", "questions": [{"of": "tomorrow"}]},
    }


DEEP = [
    ("jobs_are", "jobs", 0, "spec"),
    ("jobs_are", "jobs", 0, "spec", "parts"),
    ("jobs_are", "jobs", 0, "spec", "mix", 0),
    ("snap", "jobs", 0, "spec"),
    ("sets_are", "sets", 0, "mix", 1),
    ("plan_is", "cards", 0, "parts"),
    ("take_is", "settings", "mix", 0),
]


@pytest.mark.parametrize("path", DEEP, ids=lambda path: ".".join(map(str, path)))
def test_a_field_of_a_later_version_is_left_out_wherever_it_stands(path: tuple[str | int, ...]) -> None:
    kind = str(path[0])

    assert decode_from_daemon(kind, grown(*path)) == decode_from_daemon(kind, BODIES[kind])  # type: ignore[arg-type]


def test_jobs_of_a_kind_that_came_later_are_skipped_and_the_others_are_read() -> None:
    old = decode_from_daemon("jobs_are", BODIES["jobs_are"])
    found = decode_from_daemon("jobs_are", with_jobs(label_job(99), label_job(98)))

    assert found == old
    assert isinstance(found, Jobs)
    assert isinstance(found.jobs[0].spec, GenerateSpec)


def test_a_snapshot_with_a_job_of_a_later_kind_can_be_followed() -> None:
    body = msgspec.msgpack.decode(BODIES["snap"])
    body["jobs"].append(label_job(5))
    body["paused"] = True

    found = decode_from_daemon("snap", msgspec.msgpack.encode(body))

    assert isinstance(found, Snapshot)
    assert found.paused
    assert [job.id for job in found.jobs] == [41]


def test_a_request_stays_strict() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `of_tomorrow`"):
        decode_request("deal", grown("deal", "settings"))
    with pytest.raises(msgspec.ValidationError, match="unknown field `of_tomorrow`"):
        decode_request("deal", grown("deal", "settings", "mix", 0))


def test_what_is_wrong_stays_wrong() -> None:
    body = msgspec.msgpack.encode({**msgspec.msgpack.decode(grown("jobs_are", "jobs", 0, "spec")), "before": "x"})

    with pytest.raises(msgspec.ValidationError, match=r"\$\.before"):
        decode_from_daemon("jobs_are", body)


class Draw(msgspec.Struct, frozen=True, tag="draw", forbid_unknown_fields=True):
    size: int


class Tell(msgspec.Struct, frozen=True, tag="tell", forbid_unknown_fields=True):
    words: str = ""


class Work(msgspec.Struct, frozen=True):
    doing: Draw | Tell
    then: Draw | Tell | None = None
    counts: dict[str, int] = {}


class Works(msgspec.Struct, frozen=True):
    works: tuple[Work, ...]


def test_of_several_kinds_the_right_one_is_read() -> None:
    said = {"doing": {"type": "tell", "words": "so", "loud": True}, "then": None, "counts": {"of_tomorrow": 1}}

    assert lenient.decode(msgspec.msgpack.encode(said), Work) == Work(Tell("so"), None, {"of_tomorrow": 1})


def test_what_holds_a_thing_of_an_unknown_kind_is_left_out_of_its_list() -> None:
    said = {"works": [{"doing": {"type": "sing"}}, {"doing": {"type": "draw", "size": 3}}]}

    assert lenient.decode(msgspec.msgpack.encode(said), Works) == Works((Work(Draw(3)),))


def test_nothing_is_lost_of_what_is_known() -> None:
    for message in GOLDEN:
        body = {**protocol.REPLIES, **protocol.EVENTS, **protocol.BESIDE}.get(message["kind"])
        if body is not None:
            strict = msgspec.msgpack.decode(BODIES[message["kind"]], type=body)
            assert lenient.decode(BODIES[message["kind"]], body) == strict
