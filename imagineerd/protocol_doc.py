"""Write the protocol's document: `python -m imagineerd.protocol_doc > imagineerd/PROTOCOL.md`, in a checkout.

Names, types, limits, defaults and meanings are read from `protocol.py`, `jobs.py` and `errors.py`, the examples from
the golden messages, the clients from `tests/examples`: so the document cannot say anything but what is tested. What
stands here is the prose around them, in the order of the conversation.
"""

from __future__ import annotations

import inspect
import json
import sys
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast, get_args

import msgspec
from msgspec.inspect import (
    BoolType,
    BytesType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from imagineerd import protocol
from imagineerd.client.clients import CHUNKS_IN_FLIGHT, SILENT_BEATS
from imagineerd.client.session import ONCE, reply_of
from imagineerd.daemon import CHUNKS_WAITING, EVENTS_RESUMED
from imagineerd.errors import MEANINGS, RETRIES, Code, DaemonAway, ImagineerError, Retry
from imagineerd.jobs import A_FEW, BACKGROUND, INTERACTIVE, MAY_FOLLOW, State
from imagineerd.network.gate import HANDSHAKE_MS, HEARTBEAT_MS, REFRESH_S
from imagineerd.network.keys import ROLES
from imagineerd.protocol import BESIDE, BLOB_REQUESTS, EVENTS, KIND_OF, REPLIES, REQUESTS, ROLE_OF, Body, Head
from imagineerd.search import COLUMNS
from imagineerd.server import FRAME_LIMIT, HEAD_LIMIT, MAX_CLIENTS
from imagineerd.sockets import HIGH_WATER_MARK
from imagineerd.tidying import KEYS_KEPT_S

TESTS: Final = Path(__file__).parents[1] / "tests"
GOLDEN: Final = TESTS / "data" / "protocol" / "messages.json"
CLIENTS: Final = {
    "Python": ("deal_zodiac.py", "python", "It needs `pip install pyzmq msgpack`."),
    "Node": ("deal_zodiac.mjs", "js", "It needs `npm install zeromq @msgpack/msgpack`."),
}
WIDTH: Final = 110
KINDS: Final[dict[str, type[Body]]] = {**REQUESTS, **REPLIES, **EVENTS, **BESIDE}
FAMILIES: Final[dict[str, Collection[str]]] = {
    "Request": REQUESTS,
    "Reply": REPLIES,
    "Event": EVENTS,
    "Beside": BESIDE,
}
OTHER_REPLIES: Final = {"subscribe": ("resume",)}
"""Kinds that a request may also be answered by."""
PLAIN: Final[dict[type[Type], str]] = {
    IntType: "integer",
    FloatType: "float",
    StrType: "string",
    BytesType: "binary",
    LiteralType: "string",
    BoolType: "boolean",
    NoneType: "nil",
}


class Chapter(NamedTuple):
    """A part of the conversation: what is to be known of it, and its messages."""

    title: str
    prose: str
    kinds: tuple[str, ...]


# ---------------------------------------------------------------- prose


def _said(subject: str) -> str:
    """Return what the docstring of `protocol.py` says of a subject."""
    paragraphs = inspect.cleandoc(protocol.__doc__ or "").split("\n\n")
    (found,) = (paragraph for paragraph in paragraphs if paragraph.startswith(f"**{subject}.** "))
    return found.removeprefix(f"**{subject}.** ")


OPENING: Final = f"""\
# The protocol of imagineer, version {protocol.VERSION}

<!-- Written by `python -m imagineerd.protocol_doc > imagineerd/PROTOCOL.md`: change what it is made from instead. -->

imagineerd deals themed card decks with Stable Diffusion and keeps the queue. Every client talks to it as this page
says: the command line `imagineer`, scripts, and yours, in any language that has ZeroMQ and MessagePack. Two whole
clients stand [at the end](#two-whole-clients).
"""

SOCKETS: Final = """\
## Sockets

| socket | carries |
|---|---|
| `ctl.sock` | requests, replies, events |
| `blob.sock` | the bytes of pictures, so that they hold nothing up |

Both lie in one folder, the first of these that is there:

1. `$IMAGINEER_RUNTIME_DIR`
2. `$XDG_RUNTIME_DIR/imagineer`, where `$XDG_RUNTIME_DIR` is an absolute path of a folder that is yours
3. `$RUNTIME_DIRECTORY`, the first of its folders (systemd sets it for a service)
4. `$TMPDIR/imagineer-UID`, or `/tmp/imagineer-UID`, with your numeric user id

They are Unix stream sockets of mode 0600 that speak ZMTP 3 without a security mechanism: who may open them is who may
use them. A client connects a ZeroMQ `DEALER` to `ipc:///run/user/1000/imagineer/ctl.sock` and sets:

- `ZMQ_LINGER` 0: closing waits for nothing;
- `ZMQ_IMMEDIATE` 1: a request is not kept for a daemon that is away, to be carried out when it comes back;
- no `ZMQ_ROUTING_ID`: of two clients with the same one, the second is ignored.

From another machine, forward both sockets: `ssh -L /tmp/im/ctl.sock:/run/user/1000/imagineer/ctl.sock -L …`. What is
said stays the same, and ssh asks for the keys. Or come over the [network](#network).
"""

NETWORK: Final = f"""\
## Network

Where the setting `listen.tcp` names an address (`192.168.1.7:5757`), the daemon listens there for what `ctl.sock`
carries, and **at the next port** (5758) for what `blob.sock` does: the same frames over TCP, always with CURVE
(ZMTP 3.1, CurveZMQ), never without. A client needs three keys, each 40 characters of Z85:

| option of the socket | is | in the file |
|---|---|---|
| `ZMQ_CURVE_SERVERKEY` | the daemon's public key | that the client keeps of it |
| `ZMQ_CURVE_PUBLICKEY` | its own public key | of its own pair |
| `ZMQ_CURVE_SECRETKEY` | its own secret key | of its own pair |

The daemon lets in the public keys that are authorized. They are files `NAME.key` in the folder `keys/authorized` of its
data folder, which it looks at every {REFRESH_S:g} s; `imagineer keys` writes them, and so may you, one for each client:

```ini
metadata
    name = "laptop"
    role = "operator"
curve
    public-key = "…"
```

It is a certificate as ZeroMQ's tools write it (`zcert`, `zmq.auth`); `role` is `{"`, `".join(ROLES[:-1])}` or
`{ROLES[-1]}`. The name is 1 to 64 of `A-Z a-z 0-9 . _ @ -`, a letter or digit first. File and folder must belong to the
daemon's user or to root, and nobody else may write them: else they let nobody in. The daemon's own key pair is
`keys/daemon.key_secret`, mode 0600; it is drawn when it is first needed, and `imagineer keys list` prints the public
half.

Each request takes a role (see [Requests and replies](#requests-and-replies)); who has a lesser one is answered
`E_DENIED`. A viewer looks, an operator deals and steers, too, an admin configures and stops, too. `role` and `key` of
`welcome` say what a client came in as; on a Unix socket everyone is `admin`.

What a client meets:

- **An unknown key**: the handshake fails with ZAP status 400 (`ZMQ_EVENT_HANDSHAKE_FAILED_AUTH` on the socket's
  monitor), and libzmq does not try again. A send tells nothing of it; with `ZMQ_IMMEDIATE` the socket never gets
  writable.
- **The wrong key of the daemon**: the daemon hangs up (`ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL`), again at every try.
- **No CURVE**: either of the two sides hangs up (`…_FAILED_PROTOCOL` or `…_NO_DETAIL`).
- **A key that is revoked**: new connections fail at once. One that stands is told by an `err` with `E_DENIED` and `rid`
  0 within {REFRESH_S:g} s, sent nothing more, and every further request is `E_DENIED`. A changed role counts as soon.
- **A handshake that takes longer than {HANDSHAKE_MS // 1000} s** ends, and so does a connection that answers no ping of
  ZMTP for {3 * HEARTBEAT_MS // 1000} s.

Idempotency keys belong to the key that they came with. `uid` and `pid` of `welcome` are -1.

This client looks, and saves the newest picture (`tests/examples/look_from_afar.py`; it needs
`pip install pyzmq msgpack`):
"""

ENCODING: Final = f"""\
In a body, both sides may leave out every field that is not *required*: it then means what the last column says. `nil`
may be sent where a type says so, and means the same as leaving the field out. An integer is taken where a float is
asked for. Text is UTF-8. Integers go up to 2^63 − 1 (seeds do): a language whose numbers are doubles should
decode them as big integers where it keeps them.

{_said("Units")}

In the examples below `rid` is 99 where there is one, and `seq` is 12. The first of them, byte by byte: `95` an array of
five, `01` v, `a5 68656c6c6f` "hello", `63` rid, `00` seq, `c0` no meta.
"""

VERSIONS: Final = f"""\
`hello` names the range of versions that the client understands. The daemon answers with the one that it speaks, or with
`E_VERSION` and a sentence that names both sides' versions: no session then. `hello` may be said again at any time.

A session lasts as long as its connection. ZeroMQ connects again by itself, so a client learns of a restarted daemon by
`E_HELLO`: say `hello`, then send the same request again. (The daemon also forgets, of more than {MAX_CLIENTS:,}
sessions, the one that was silent longest.)

Requests may overlap, {protocol.MAX_INFLIGHT} at a time, and are answered in any order: `rid` tells which. Choose `rid`
from 1 up; 0 is what the daemon says unasked. A client that does not read its replies loses them: after a timeout send
the request again. That does no harm but for {" and ".join(f"`{KIND_OF[body]}`" for body in ONCE)}.
"""

MIXES: Final = """\
A saved mix is a list of LoRAs with weights under a name. The name may stand wherever a LoRA's may: in the settings of a
deal, in a set's configuration, in a cell of a CSV, in another mix. It stands for its LoRAs, their weights times the
weight beside the name; a LoRA that is named itself takes its own weight instead. Jobs get the LoRAs, with exact weights
and hashes: a mix may be changed or deleted at any time without changing what was dealt. A mix goes before a LoRA of its
name.
"""

KEYS: Final = f"""\
{_said("Submitting")}

All four may say `priority` and `hold`. Without a `priority` it is {INTERACTIVE} for a prompt or a re-roll of at most
{A_FEW} pictures, else {BACKGROUND}. With `hold` the jobs are held until they are released.

Take a new random key (a UUID) for each deal, and the same key when you send it again because no reply came. A key
belongs to the user who sent it and is remembered for {KEYS_KEPT_S / 86_400:.0f} days. Two bodies are the same when
their fields are, defaults filled in. A repeated answer says `repeated`.
"""

FOLLOWING: Final = f"""\
{_said("Following")}

1. `subscribe` without `since`; take over the state of `snap` and remember its `epoch` and `seq`.
2. For every message with `seq > 0`: apply it if you know its kind, and remember its `seq` in any case.
3. After a lost connection: `hello`, then `subscribe` with `since`. On `resume` go on; on `snap` begin anew. It is a
   `snap` where the database is another one, or you missed more than {EVENTS_RESUMED:,} events, or they are no longer
   kept (the newest `daemon.events_kept` are).
4. A `seq` that skips a number, or an `hb` whose `seq` is beyond yours, means that something was lost: step 3.
5. `hb` comes every {protocol.HEARTBEAT_S:g} seconds (`heartbeat_s` of `welcome`). After {SILENT_BEATS} times as long
   without any message the daemon is away: connect anew.

A job that is done sends `job_moved` and then `take_added`. A batch that was accepted sends `batch_added`, and its jobs
count as `queued` without a `job_moved`. `subscribe` again changes `ticks_hz` and begins with a new `snap` or `resume`.
"""

WATCHING: Final = f"""\
{_said("Watching")}

A preview has one pixel for each cell of the latents, an eighth of the picture's size, unless `max_side` asks for less.
It shows where the sampler is heading. In the example, which is JSON, `rgb` is base64; on the wire it is raw. Watchers
are sent `hb`, too. `subscribe` and `watch_previews` may share a session.
"""

PICTURES: Final = f"""\
{_said("Pictures")}

Say `hello` on this socket, too. Ask for `offset` 0, {protocol.MAX_CHUNK:,}, … until you have all bytes; at most
{protocol.MAX_CHUNK:,} bytes come at a time, fewer at the end. With several chunks in flight (at most
{CHUNKS_IN_FLIGHT}) replies may come in any order. Compare the SHA-256 of the whole with the one of `blob_is`. For the
variant `full` (the PNG), size and hash also stand in the [Take](#type-take), which makes `blob_stat` unnecessary;
`thumb` is a small JPEG.
"""

QUEUE: Final = f"""\
{_said("Order")}

So a client keeps the order by itself: it starts with `snap`, adds what `batch_added` and `jobs_added` tell, sorts anew
after `jobs_placed`, and drops what `job_moved` says waits no more. A job that goes back to the queue by itself keeps
its place; one that a person queues again gets a new one.
"""

SEARCHING: Final = f"""\
A query is words and filters with spaces between them; all of them must be met. Case and accents do not matter.

| you write | it finds takes |
|---|---|
| `gold leaf` | with words that begin so in prompt, theme, set, card or LoRAs |
| `"gold leaf"` | with these words one after the other |
| {", ".join(f"`{name}:fool`" for name in COLUMNS)} | with a word that begins so there alone |
| `card:"the fool"` | with these words there, one after the other |
| `batch:last` | of one batch, named as in `batch` |
| `is:favourite`, `is:pick` | that are so |
| `-gold`, `-lora:ink`, `-is:pick` | of which that is not so |

Whatever is typed is either found or answered by `E_INVALID` with a sentence. What lies in the trash is not found.
"""

TRASH: Final = """\
Name either takes or one batch. A deleted take keeps its number, its row and its files until the trash is emptied: by
`empty_trash`, or by itself after `output.trash_days`. The first pick of a slot, or the one that was chosen, is
remembered: while it lies in the trash the newest take that is kept counts, and when it is restored it counts again.
"""

LIMITS: Final = f"""\
## Limits

| what | limit | over it |
|---|---|---|
| head | {HEAD_LIMIT:,} bytes | `E_TOO_LARGE` |
| body | {protocol.MAX_BODY:,} bytes (`limits.body` of `welcome`) | `E_TOO_LARGE` |
| any frame | {FRAME_LIMIT:,} bytes | the connection is closed, without an answer |
| chunk of a picture | {protocol.MAX_CHUNK:,} bytes (`limits.chunk`) | `E_INVALID` |
| unanswered requests of a client | {protocol.MAX_INFLIGHT} (`limits.inflight`) | `E_FULL` |
| jobs in the queue | the setting `daemon.queue_limit`; others get in up to their share of it | `E_FULL` |
| messages that wait | {HIGH_WATER_MARK:,} (`blob`: {CHUNKS_WAITING}) | replies are lost, a follower gets a `snap` |
| sessions | {MAX_CLIENTS:,} | the one silent longest meets `E_HELLO` |

Go by what `welcome` says: limits may change within a version.
"""

GROWTH: Final = f"""\
## Growth

{_said("Growth")}

- A client skips kinds and fields that it does not know, and reads no more of the head than it knows. A field that comes
  later has a default, and what an absent field means never changes.
- A job may be of a kind that came later: its `spec` then has a `kind` and fields that a client does not know. Skip such
  a job, in lists and in `snap`; `imagineerd.client` does so, and drops unknown fields wherever they stand.
- Lists of words (codes, states, phases, samplers) are closed within a version.
- Before it uses what version {protocol.VERSION} did not always have, a client looks for its name in the `features` of
  `welcome`. Today they are {", ".join(f"`{name}`" for name in protocol.FEATURES)}.
- The daemon does the same with requests, with one exception: an unknown field in [Settings](#type-settings) or in a
  mix is refused, for a misspelt setting would draw another picture.
"""

LABELS_SAY: Final = """\
A label is a caption, a rating and tags of a take. A labeler in a container makes it, as a job of kind `label`: it is
queued, moved, cancelled and retried as other jobs are, in a lane of its own, and changes nothing about its slot. While
nothing can be labelled (the account's limit, an expired login) the jobs wait, and the `detail` of the `worker` of lane
`io` says why and until when. The label of a take stands in its [Take](#type-take).
"""

ERRORS_SAY: Final = """\
## Errors

A program decides by `code` and by the `retry` of the very [err](#reply-err); a person reads its `message`, one sentence
ready to show. A job that failed or is held carries a code of the same list.
"""

CLIENTS_SAY: Final = """\
Each deals a zodiac, follows it and saves the pictures, with a ZeroMQ and a MessagePack library and nothing of
imagineer. They follow on a connection of their own, so that a reply is always the next message on the others. They
leave out what a client that runs for long needs: the socket options above, sending again, resuming, chunks side by
side.
"""

CHAPTERS: Final = (
    Chapter("Session", VERSIONS, ("hello", "welcome", "err", "ok")),
    Chapter(
        "Looking around",
        "What there is, and what a deal would do.\n",
        (
            *("status", "status_is", "sets", "sets_are", "set", "set_is", "themes", "themes_are"),
            *("plan", "plan_prompt", "plan_is"),
        ),
    ),
    Chapter(
        "LoRAs",
        "The library is what lies in the daemon's LoRA folder at this moment.\n",
        ("loras", "loras_are", "lora", "lora_is", "lora_note"),
    ),
    Chapter("Mixes", MIXES, ("mixes", "mixes_are", "mix", "mix_is", "mix_save", "mix_rename", "mix_delete")),
    Chapter("Dealing", KEYS, ("deal", "generate", "grid", "reroll", "complete", "dealt")),
    Chapter(
        "Following",
        FOLLOWING,
        ("subscribe", "snap", "resume", *EVENTS, *(kind for kind in BESIDE if kind != "preview"), "unsubscribe"),
    ),
    Chapter("Watching", WATCHING, ("watch_previews", "preview")),
    Chapter("Pictures", PICTURES, ("blob_stat", "blob_is", "blob_get", "chunk", "sheet_stat", "sheet_get")),
    Chapter(
        "Batches and takes",
        "What was dealt stays. Pages go from the newest back: ask again with the `before` of the last one.\n",
        ("batches", "batches_are", "batch", "batch_is", "pick", "favourite", "take", "take_is"),
    ),
    Chapter("Search", SEARCHING, ("search", "takes_are")),
    Chapter("The trash", TRASH, ("delete", "deleted", "restore", "restored", "trash", "empty_trash", "emptied")),
    Chapter(
        "Jobs",
        "Name either jobs or one batch. Control never waits for work: a running job stops between two steps.\n",
        ("jobs", "jobs_are", "cancel", "cancelled", "retry", "retried"),
    ),
    Chapter(
        "The queue",
        QUEUE,
        ("queue", "queue_is", "move", "priority", "placed", "hold", "held", "release", "pause", "unpause"),
    ),
    Chapter(
        "Labels",
        LABELS_SAY,
        (
            *("label", "labeling", "labels", "labels_are", "label_edit", "label_restore", "label_is"),
            *("label_prompts", "label_prompts_are", "labeler_build"),
        ),
    ),
    Chapter(
        "The daemon",
        "Its configuration, its health and its end.\n",
        ("config", "config_set", "config_is", "doctor", "doctor_says", "stop"),
    ),
)


# ---------------------------------------------------------------- the whole


def document() -> str:
    """Return the document."""
    parts = (
        OPENING,
        _contents(),
        SOCKETS,
        _network(),
        _frames(),
        _requests(),
        *map(_chapter, CHAPTERS),
        _types(),
        _errors(),
        LIMITS,
        GROWTH,
        _clients(),
    )
    return "\n".join(parts)


def _contents() -> str:
    titles = ("Sockets", "Network", "Frames", "Requests and replies", *(chapter.title for chapter in CHAPTERS))
    titles += ("Types", "Errors", "Limits", "Growth", "Two whole clients")
    return " · ".join(f"[{title}](#{_slug(title)})" for title in titles) + "\n"


def _network() -> str:
    return f"{NETWORK}\n```python\n{(TESTS / 'examples' / 'look_from_afar.py').read_text()}```\n"


def _frames() -> str:
    return f"## Frames\n\n{_said('Frames')}\n\n{_doc(Head)}\n\n{_fields(Head, 'element')}\n{ENCODING}"


def _requests() -> str:
    rows = (
        (_link(kind), _socket(kind), ROLE_OF[kind], _replies(kind), _summary(body)) for kind, body in REQUESTS.items()
    )
    table = _table(("request", "socket", "role", "reply", "what it does"), rows)
    return f"## Requests and replies\n\n{_said('Conversation')}\n\n{table}"


def _socket(kind: str) -> str:
    if kind not in BLOB_REQUESTS:
        return "ctl"
    return "both" if kind == "hello" else "blob"


def _replies(kind: str) -> str:
    """Return links to what may answer a request, but for `err`."""
    return " or ".join(map(_link, (KIND_OF[reply_of(REQUESTS[kind])], *OTHER_REPLIES.get(kind, ()))))


def _summary(body: type) -> str:
    return _doc(body).partition("\n\n")[0].replace("\n", " ")


# ---------------------------------------------------------------- messages


def _chapter(chapter: Chapter) -> str:
    return "\n".join((f"## {chapter.title}\n", chapter.prose, *map(_message, chapter.kinds)))


def _message(kind: str) -> str:
    body = KINDS[kind]
    answer = f"\nAnswered by {_replies(kind)}.\n" if kind in REQUESTS else ""
    return f"### {_family(kind)}: `{kind}`\n\n{_doc(body)}\n{answer}\n{_fields(body)}\n{_example(kind)}"


def _family(kind: str) -> str:
    return next(name for name, kinds in FAMILIES.items() if kind in kinds)


def _example(kind: str) -> str:
    golden = _golden()[kind]
    frames = (_hex("head", golden["head"]), _hex("body", golden["body"]))
    return f"```json\n{_json(golden['json'])}\n```\n\n```text\n{''.join(frames)}```\n"


@cache
def _golden() -> dict[str, dict[str, Any]]:
    return {message["kind"]: message for message in json.loads(GOLDEN.read_text())}


def _hex(name: str, frame: str) -> str:
    lines = textwrap.wrap(frame, WIDTH) or [""]
    return "".join(f"{name if not number else '':4} {line}\n" for number, line in enumerate(lines))


def _json(value: Any, indent: str = "") -> str:
    """Return a value on one line, or in as many as its parts where that is too long."""
    line = json.dumps(value, ensure_ascii=False)
    inner = indent + "  "
    if len(indent + line) <= WIDTH or not isinstance(value, dict | list):
        return line
    if isinstance(value, list):
        return _broken("[]", [_json(part, inner) for part in value], indent)
    return _broken("{}", [f"{json.dumps(key)}: {_json(part, inner)}" for key, part in value.items()], indent)


def _broken(brackets: str, parts: Sequence[str], indent: str) -> str:
    lines = ",\n".join(f"{indent}  {part}" for part in parts)
    return f"{brackets[0]}\n{lines}\n{indent}{brackets[1]}"


# ---------------------------------------------------------------- types


def _types() -> str:
    """Return what stands inside bodies, in the order in which it is met."""
    bodies = [KINDS[kind] for chapter in CHAPTERS for kind in chapter.kinds]
    structs = dict.fromkeys(struct for body in bodies for struct in _inside(type_info(body)) if struct not in KIND_OF)
    return "\n".join(("## Types\n", "What stands inside bodies.\n", *map(_struct, structs), _state()))


def _inside(info: Type) -> Iterator[type]:
    """Yield every struct inside a type."""
    for part in _parts(info):
        if isinstance(part, StructType):
            yield part.cls
        yield from _inside(part)


def _parts(info: Type) -> Sequence[Type]:
    """Return the types that a type is directly made of."""
    match info:
        case StructType(fields=fields):
            return [field.type for field in fields]
        case UnionType(types=types) | TupleType(item_types=types):
            return types
        case VarTupleType(item_type=item) | DictType(value_type=item) | Metadata(type=item):
            return [item]
    return []


def _struct(struct: type) -> str:
    return f"### Type: {struct.__name__}\n\n{_doc(struct)}\n\n{_fields(struct)}"


def _state() -> str:
    rows = (
        (f"`{state.value}`", _words(target.value for target in State if target in MAY_FOLLOW[state])) for state in State
    )
    return f"### Type: State\n\n{_doc(State)}\n\n{_table(('state', 'may become'), rows)}"


def _doc(thing: type) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


# ---------------------------------------------------------------- fields


def _fields(struct: type, what: str = "field") -> str:
    """Return the table of a struct's fields."""
    info = cast("StructType", type_info(struct))
    rows = [(f"`{field.encode_name}`", _type(field.type), _limits(field.type), _absent(field)) for field in info.fields]
    if info.tag_field:
        rows.insert(0, (f"`{info.tag_field}`", "string", f'"{info.tag}"', "required"))
    if not rows:
        return "It has no fields: the body is an empty map.\n"
    strict = "\nUnknown fields are refused.\n" if info.forbid_unknown_fields and struct in _sent() else ""
    return _table((what, "type", "limits, unit", "where absent"), rows) + strict


@cache
def _sent() -> frozenset[type]:
    """Return the structs that clients send."""
    return frozenset(struct for body in REQUESTS.values() for struct in _inside(type_info(body)))


def _type(info: Type) -> str:  # noqa: PLR0911 - one case for each type, on purpose
    """Return what a type is called."""
    match info:
        case Metadata(type=inner):
            return _type(inner)
        case UnionType(types=types):
            return " or ".join(map(_type, sorted(types, key=lambda part: isinstance(part, NoneType))))
        case StructType(cls=cls) | EnumType(cls=cls):
            return _type_link(cls)
        case VarTupleType(item_type=item):
            return f"array of {_type(item)}"
        case TupleType(item_types=items):
            return f"[{', '.join(map(_type, items))}]"
        case DictType(value_type=value):
            return f"map of string to {_type(value)}"
    return PLAIN.get(type(info), "any")


def _limits(info: Type) -> str:
    """Return what a value of a type may be, and its unit."""
    match info:
        case Metadata(type=inner, extra=extra):
            return _joined(_limits(inner), (extra or {}).get("unit", ""))
        case IntType(ge=low, le=high, multiple_of=step) | FloatType(ge=low, le=high, multiple_of=step):
            return _joined(_range(low, high), f"a multiple of {step}" if step else "")
        case StrType(min_length=low, max_length=high):
            return _joined(_range(low, high, "characters"))
        case LiteralType(values=values):
            return _choice(values)
        case VarTupleType(item_type=item, min_length=low):
            return _joined(_range(low, None), _limits(item))
    return _joined(*map(_limits, () if isinstance(info, StructType | DictType) else _parts(info)))


def _choice(values: Iterable[object]) -> str:
    if set(values) == set(get_args(Code)):
        return "one of the [codes](#errors)"
    return ", ".join(f'"{value}"' for value in values)


def _range(low: float | None, high: float | None, unit: str = "") -> str:
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {_number(high)} {unit}".strip()
    return f"{_number(low)} to {_number(high)} {unit}".strip() if high is not None else f"at least {_number(low)}"


def _number(value: float | None) -> str:
    return "2^63 − 1" if value == protocol.MAX_INT else f"{value:,}"


def _joined(*parts: str) -> str:
    return ", ".join(dict.fromkeys(filter(None, parts)))


def _absent(field: Field) -> str:
    """Return what a field means that is not there."""
    if field.required:
        return "required"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "nil" if value is None else f"`{msgspec.json.encode(value).decode()}`"


# ---------------------------------------------------------------- errors and clients


def _errors() -> str:
    codes = ((f"`{code}`", meaning, f"`{_retries()[code]}`") for code, meaning in MEANINGS.items())
    retries = ((f"`{retry}`", meaning) for retry, meaning in RETRIES.items())
    tables = (_table(("code", "meaning", "retry as a rule"), codes), _table(("retry", "meaning"), retries))
    return "\n".join((ERRORS_SAY, *tables))


def _retries() -> dict[Code, Retry]:
    """Return what each code says of another try, as its class in `errors.py` has it."""
    classes: list[type[ImagineerError]] = [ImagineerError, *ImagineerError.__subclasses__()]
    return {cls.code: cls.retry for cls in classes if cls is not DaemonAway}


def _clients() -> str:
    return "\n".join(("## Two whole clients\n", CLIENTS_SAY, *map(_client, CLIENTS)))


def _client(language: str) -> str:
    name, mark, needs = CLIENTS[language]
    source = (TESTS / "examples" / name).read_text()
    return f"### {language}\n\n`tests/examples/{name}`. {needs}\n\n```{mark}\n{source}```\n"


# ---------------------------------------------------------------- markdown


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (titles, ("---",) * len(titles), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _link(kind: str) -> str:
    return f"[`{kind}`](#{_slug(f'{_family(kind)} {kind}')})"


def _type_link(cls: type) -> str:
    anchor = f"{_family(KIND_OF[cls])} {KIND_OF[cls]}" if cls in KIND_OF else f"Type {cls.__name__}"
    return f"[{cls.__name__}](#{_slug(anchor)})"


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")


def main() -> str | None:
    """Print the document; return a sentence where that cannot be."""
    if not GOLDEN.exists():
        return f"{GOLDEN} is not there: run this in a checkout."
    sys.stdout.write(document())
    return None


if __name__ == "__main__":
    sys.exit(main())
