"""Messages that nobody would send: the golden ones with bytes and values changed, drawn from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from imagineerd import link, protocol

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "protocol" / "messages.json"
SPARED = {"stop", "config_set", "doctor"}
"""Requests that may be right after all, and then would end the daemon, move its folders, or take seconds."""
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.5, float("inf"), float("-inf"), float("nan"),
    "", "..", "../../etc/passwd", "/dev/zero", "last", "%", "a\0b", "a\nb", "\u202egnp.exe", "\U0010ffff", "x" * 5000,
    b"", b"\xff" * 50, [], [[]], {}, [1] * 3000, ["x" * 10] * 300, {"": {"": []}}, {str(n): n for n in range(300)},
)  # fmt: skip
DEEP = (
    b"\x91" * 30_000,
    b"\x81\xa1a" * 20_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdf\x7f\xff\xff\xff",
)
REPORTS: tuple[link.Report, ...] = (
    link.Ready("cpu", "Fake", "float32", "0.0", batch_sizes=(1, 2, 4)),
    link.Loading("starter", "loading", 0.5),
    link.Loaded("starter", "", 0.1),
    link.Unloaded(),
    link.Step(1, 4, 0.1),
    link.Preview(1, 1, 4, 2, 3, bytes(18)),
    link.Finished(1, 1, "x.png", 1, 64, 64, 100, "ab" * 32, "#102030", 0.1),
    link.Failed(1, 1, "E_LORA", "It does not fit."),
    link.Stopped(1, 1),
    link.OrderDone(0.1),
)


class Frames:
    """A well of hostile messages, the same ones for the same seed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        golden = json.loads(GOLDEN.read_text())
        requests = [entry for entry in golden if entry["kind"] in protocol.REQUESTS and entry["kind"] not in SPARED]
        self._requests = [(bytes.fromhex(entry["head"]), bytes.fromhex(entry["body"])) for entry in requests]

    def message(self) -> list[bytes]:
        """Return the frames of one message for a server's socket."""
        head, body = self._random.choice(self._requests)
        draw = self._random.random()
        if draw < 0.35:
            return [head, self._changed(body)]
        if draw < 0.6:
            return [head, self._with_other_bytes(body)]
        if draw < 0.7:
            return [self._with_other_bytes(head), body]
        if draw < 0.75:
            return [self._changed(head), body]
        return self._nonsense(head, body)

    def report(self) -> bytes:
        """Return one report of a worker with its length before it."""
        body = msgspec.msgpack.encode(self._random.choice(REPORTS))
        change: Callable[[bytes], bytes] = self._random.choice([self._changed, self._with_other_bytes])
        body = change(body)
        return len(body).to_bytes(4) + body

    def _nonsense(self, head: bytes, body: bytes) -> list[bytes]:
        return self._random.choice(
            [
                [],
                [head],
                [self._random.randbytes(self._random.randint(0, 200))],
                [head, self._random.randbytes(self._random.randint(0, 2000))],
                [head, body, *[b"x" * 1000] * self._random.randint(1, 20)],
                [head, self._random.choice(DEEP)],
                [self._random.choice(DEEP)[: self._random.choice([100, 900, 5000])], body],
                [head, bytes(self._random.choice([protocol.MAX_BODY - 1, protocol.MAX_BODY + 1]))],
                [head * 200, body],
                [b"", b""],
            ]
        )

    def _changed(self, packed: bytes) -> bytes:
        """Put another value at some place of a message."""
        return msgspec.msgpack.encode(self._with_other_value(msgspec.msgpack.decode(packed)))

    def _with_other_value(self, value: Any) -> Any:
        if self._random.random() < 0.3 or not isinstance(value, dict | list) or not value:
            return self._random.choice(VALUES)
        if isinstance(value, list):
            place = self._random.randrange(len(value))
            return [*value[:place], self._with_other_value(value[place]), *value[place + 1 :]]
        key = self._random.choice(sorted(value))
        match self._random.randint(0, 3):
            case 0:
                return {name: inner for name, inner in value.items() if name != key}
            case 1:
                return {**value, self._random.choice(["idem", "seed", "x", "", "limit"]): self._random.choice(VALUES)}
            case _:
                return {**value, key: self._with_other_value(value[key])}

    def _with_other_bytes(self, packed: bytes) -> bytes:
        """Flip, cut, repeat or insert some bytes."""
        place = self._random.randrange(len(packed) + 1)
        match self._random.randint(0, 3):
            case 0:
                return packed[:place] + self._random.randbytes(1) + packed[place + 1 :]
            case 1:
                return packed[:place]
            case 2:
                return packed + packed[place:]
            case _:
                return packed[:place] + self._random.randbytes(self._random.randint(1, 8)) + packed[place:]
