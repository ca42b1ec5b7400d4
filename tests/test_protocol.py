"""The wire protocol: messages that were ever published are understood for ever, and limits hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd import protocol
from imagineerd.protocol import (
    BESIDE,
    EVENTS,
    KIND_OF,
    REPLIES,
    REQUESTS,
    Body,
    decode_from_daemon,
    decode_head,
    decode_request,
    encode,
)

GOLDEN = json.loads((Path(__file__).parent / "data" / "protocol" / "messages.json").read_text())
KINDS = {**REQUESTS, **REPLIES, **EVENTS, **BESIDE}


def decode(kind: str, body: bytes) -> Body:
    """Decode a message as the side that it is meant for."""
    found = decode_request(kind, body) if kind in REQUESTS else decode_from_daemon(kind, body)
    assert found is not None
    return found


def by_kind(message: dict[str, Any]) -> str:
    return str(message["kind"])


# ---------------------------------------------------------------- golden messages


def test_every_kind_has_a_golden_message() -> None:
    assert {message["kind"] for message in GOLDEN} == set(KINDS)


@pytest.mark.parametrize("message", GOLDEN, ids=by_kind)
def test_a_golden_message_is_understood_for_ever(message: dict[str, Any]) -> None:
    body = decode(message["kind"], bytes.fromhex(message["body"]))

    assert json.loads(msgspec.json.encode(body)) == message["json"]


@pytest.mark.parametrize("message", GOLDEN, ids=by_kind)
def test_a_golden_message_is_written_as_ever(message: dict[str, Any]) -> None:
    body = decode(message["kind"], bytes.fromhex(message["body"]))
    head = decode_head(bytes.fromhex(message["head"]))

    written = encode(body, rid=head.rid, seq=head.seq)

    assert list(map(content, written)) == [content(bytes.fromhex(message[name])) for name in ("head", "body")]


def content(frame: bytes) -> str:
    """Return what a frame says, types and order included; how wide a map's length is written is the writer's choice."""
    return repr(msgspec.msgpack.decode(frame))


# ---------------------------------------------------------------- growth


@pytest.mark.parametrize("message", GOLDEN, ids=by_kind)
def test_a_field_of_a_later_version_is_ignored(message: dict[str, Any]) -> None:
    old = bytes.fromhex(message["body"])
    new = msgspec.msgpack.encode({**msgspec.msgpack.decode(old), "of_tomorrow": [1, {"two": None}]})

    assert decode(message["kind"], new) == decode(message["kind"], old)


MAPS = frozenset({"states", "values", "jobs", "versions"})
"""Fields that hold maps of names, not structs."""
STRICT = frozenset({"settings", "mix[]"})
"""Parts of requests that are whole or refused."""


def grown(value: Any, but: frozenset[str], key: str = "") -> Any:
    """Add a field to every struct inside a body, but for the parts of these names."""
    if isinstance(value, list):
        return [grown(part, but, f"{key}[]") for part in value]
    if not isinstance(value, dict) or key in but:
        return value
    return {**{name: grown(part, but, name) for name, part in value.items()}, "of_tomorrow": [1, {"two": None}]}


@pytest.mark.parametrize("message", GOLDEN, ids=by_kind)
def test_a_field_of_a_later_version_is_ignored_inside_of_what_stands_in_a_body(message: dict[str, Any]) -> None:
    old = bytes.fromhex(message["body"])
    but = MAPS | STRICT if message["kind"] in REQUESTS else MAPS
    new = msgspec.msgpack.encode(grown(msgspec.msgpack.decode(old), but))

    assert decode(message["kind"], new) == decode(message["kind"], old)


def test_a_kind_of_a_later_version_is_skipped() -> None:
    assert decode_from_daemon("of_tomorrow", b"\x80") is None


def test_a_head_of_a_later_version_may_be_longer() -> None:
    head = decode_head(msgspec.msgpack.encode([1, "hb", 0, 7, {"x": 1}, "of tomorrow"]))

    assert (head.kind, head.seq) == ("hb", 7)


def test_a_head_may_be_as_short_as_version_and_kind() -> None:
    assert decode_head(msgspec.msgpack.encode([1, "status"])).rid == 0


def test_what_an_absent_field_says_never_changes() -> None:
    """A default is never sent, so a new one would change what older sides say."""
    welcome = decode("welcome", msgspec.msgpack.encode({"proto": 1, "daemon": "", "epoch": "", "boot": ""}))

    assert decode("hello", b"\x80") == protocol.Hello(proto_min=1, proto_max=1, client="", version="")
    assert json.loads(msgspec.json.encode(msgspec.structs.asdict(welcome))) | {"limits": None} == {
        "proto": 1,
        "daemon": "",
        "epoch": "",
        "boot": "",
        "features": [],
        "limits": None,
        "heartbeat_s": 2.0,
        "uid": -1,
        "pid": -1,
        "role": "admin",
        "key": "",
    }
    assert msgspec.structs.astuple(protocol.Limits()) == (262_144, 262_144, 256)


def test_a_misspelt_setting_is_refused_since_it_would_draw_another_picture() -> None:
    body = msgspec.msgpack.encode({"idem": "k", "set": "tarot", "settings": {"stepz": 9}})

    with pytest.raises(msgspec.ValidationError, match=r"unknown field `stepz` - at `\$.settings`"):
        decode_request("deal", body)


# ---------------------------------------------------------------- the tables


def test_no_kind_has_two_meanings() -> None:
    assert len(KINDS) == len(REQUESTS) + len(REPLIES) + len(EVENTS) + len(BESIDE) == len(KIND_OF)


@pytest.mark.parametrize("request_type", REQUESTS.values(), ids=REQUESTS)
def test_every_request_has_a_kind_of_reply(request_type: type[protocol.Request[Any]]) -> None:
    (base,) = request_type.__orig_bases__  # type: ignore[attr-defined]

    assert base.__args__[0] in REPLIES.values()


def test_every_event_and_everything_beside_is_in_its_table() -> None:
    assert set(EVENTS.values()) == set(protocol.EventBody.__args__)
    assert set(BESIDE.values()) == set(protocol.Beside.__args__)


def structs() -> list[type]:
    found = [value for value in vars(protocol).values() if isinstance(value, type)]
    return [value for value in found if issubclass(value, msgspec.Struct)]


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_every_struct_says_what_it_is(struct: type) -> None:
    assert struct.__doc__
    assert struct.__doc__.strip().endswith((".", "?", "."))


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_every_struct_is_frozen_and_its_annotations_can_be_read(struct: Any) -> None:
    assert struct.__struct_config__.frozen
    assert get_type_hints(struct, include_extras=True).keys() >= set(struct.__struct_fields__)


# ---------------------------------------------------------------- limits

DEAL = {"idem": "k", "set": "tarot"}
WRONG = [
    ("deal", {**DEAL, "settings": {"steps": 151}}, "$.settings.steps"),
    ("deal", {**DEAL, "settings": {"width": 100}}, "$.settings.width"),
    ("deal", {**DEAL, "settings": {"seed": -1}}, "$.settings.seed"),
    ("deal", {**DEAL, "settings": {"guidance_scale": 30.5}}, "$.settings.guidance_scale"),
    ("deal", {**DEAL, "settings": {"scheduler": "magic"}}, "$.settings.scheduler"),
    ("deal", {**DEAL, "settings": {"mix": [{"name": "Ink", "weight": 3}]}}, "$.settings.mix[0].weight"),
    ("deal", {**DEAL, "theme": "x" * 2001}, "$.theme"),
    ("deal", {**DEAL, "cards": [1, 0]}, "$.cards[1]"),
    ("deal", {**DEAL, "idem": ""}, "$.idem"),
    ("deal", {**DEAL, "idem": "x" * 65}, "$.idem"),
    ("generate", {"idem": "k", "prompt": ""}, "$.prompt"),
    ("generate", {"idem": "k", "prompt": "fox", "n": 10_001}, "$.n"),
    ("lora", {"lora": ""}, "$.lora"),
    ("lora_note", {"lora": "ink", "weight": 2.5}, "$.weight"),
    ("lora_note", {"lora": "ink", "trigger": "x" * 2001}, "$.trigger"),
    ("reroll", {"idem": "k", "batch": "last", "slots": []}, "$.slots"),
    ("themes", {"count": 101}, "$.count"),
    ("jobs", {"limit": 1001}, "$.limit"),
    ("jobs", {"states": ["asleep"]}, "$.states[0]"),
    ("subscribe", {"ticks_hz": 31}, "$.ticks_hz"),
    ("blob_get", {"take": 1, "length": protocol.MAX_CHUNK + 1}, "$.length"),
    ("blob_get", {"take": 1, "offset": -1}, "$.offset"),
    ("blob_get", {"take": 1, "offset": 2**63}, "$.offset"),
    ("pick", {"take": 2**63}, "$.take"),
    ("blob_get", {"take": 1, "variant": "../etc/passwd"}, "$.variant"),
]


@pytest.mark.parametrize(("kind", "body", "path"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_value_over_its_limit_is_refused_by_its_path(kind: str, body: dict[str, Any], path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        decode_request(kind, msgspec.msgpack.encode(body))

    assert f"`{path}`" in str(caught.value)


@pytest.mark.parametrize("missing", ["idem", "set"])
def test_a_field_that_is_needed_is_missed_by_its_name(missing: str) -> None:
    body = {name: value for name, value in DEAL.items() if name != missing}

    with pytest.raises(msgspec.ValidationError, match=f"`{missing}`"):
        decode_request("deal", msgspec.msgpack.encode(body))


# ---------------------------------------------------------------- rubbish


@given(st.sampled_from(sorted(REQUESTS)), st.binary(max_size=200))
def test_rubbish_is_refused_by_two_errors_and_no_other(kind: str, frame: bytes) -> None:
    for read in (decode_head, lambda data: decode_request(kind, data)):
        try:
            read(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


@pytest.mark.parametrize(
    "frame", [b"\x91" * 100_000, b"\x81\xa1a" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"]
)
def test_a_hostile_frame_costs_nothing(frame: bytes) -> None:
    for read in (decode_head, lambda data: decode_request("deal", data)):
        with pytest.raises((msgspec.DecodeError, RecursionError)):
            read(frame)
