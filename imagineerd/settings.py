"""The settings: one field each, with its range in its type and its meaning in its description.

Checking, `imagineer config` and a settings screen are all made from the same line. Nothing here
touches the disk; how a file is read and changed stands in `config.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta, inspect

from imagineerd.errors import did_you_mean
from imagineerd.jobs import MAX_N, GuidanceScale, Prompt, Scheduler, Size, Steps
from imagineerd.link import LoginBy
from imagineerd.models import STARTER

Value: TypeAlias = bool | int | float | str | None
CLAUDE: Final = (
    "claude --print --no-session-persistence --strict-mcp-config --permission-mode dontAsk"
    " --tools Read --allowedTools Read --disallowedTools 'Read(//run/**)' 'Read(//home/**)' 'Read(//proc/**)'"
    " --output-format json"
)
"""The Claude CLI, for one answer, with no tool but reading, and that not where its login is. A list must not come last:
it would swallow the prompt.
"""
Kind = Literal["bool", "int", "float", "str", "path", "choice"]

_DEVICE: Final = "(cpu|mps|cuda(:[0-9]{1,2})?)"
_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IPV4: Final = rf"{_OCTET}(\.{_OCTET}){{3}}"
_IPV6: Final = r"\[[0-9A-Fa-f:.]{2,45}\]"
_PORT: Final = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-4])"
"""1 to 65,534: there must be one behind it."""

# ---------------------------------------------------------------- sections


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section of the file; every field has a description."""


class Model(_Section, frozen=True):
    """Which model draws, and where it comes from."""

    default: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            description="The model that draws: starter (ships with imagineer), a Hugging Face id "
            "(stable-diffusion-v1-5/stable-diffusion-v1-5), a diffusers folder or a .safetensors "
            "file.",
            extra={"words": "a model's name, Hugging Face id or path"},
        ),
    ] = STARTER
    cache_dir: Annotated[
        Path | None,
        Meta(description="Where fetched models are kept; null means Hugging Face's own cache."),
    ] = None
    offline: Annotated[bool, Meta(description="Never fetch anything: use only the models that are here.")] = False
    unload_after_s: Annotated[
        Annotated[int, Meta(ge=1, le=604_800)] | None,
        Meta(description="Seconds without work after which models leave the memory; null keeps them."),
    ] = 900


class Generation(_Section, frozen=True):
    """What is drawn where neither the card, the request nor the set says otherwise."""

    width: Annotated[
        Size,
        Meta(description="Width in pixels; scaled to the sizes that the model draws natively."),
    ] = 512
    height: Annotated[
        Size,
        Meta(description="Height in pixels; scaled to the sizes that the model draws natively."),
    ] = 720  # with the width, the shape of a card
    steps: Annotated[Steps | None, Meta(description="Sampler steps; null means the model's own default.")] = None
    guidance_scale: Annotated[
        GuidanceScale | None,
        Meta(description="How strictly the prompt is followed; null means the model's own default."),
    ] = None
    negative_prompt: Annotated[
        Prompt, Meta(description="What the pictures should not show, where the set names nothing.")
    ] = ""
    scheduler: Annotated[Scheduler, Meta(description="The sampler.")] = "dpm++"
    batch_size: Annotated[
        Annotated[int, Meta(ge=1, le=64)] | None,
        Meta(description="Most pictures drawn together; null means what the device can do."),
    ] = None
    reuse: Annotated[bool, Meta(description="Take a stored picture of the same spec instead of drawing it again.")] = (
        True
    )
    num_images: Annotated[int, Meta(ge=1, le=MAX_N, description="Pictures drawn of a single prompt.")] = 1


class Output(_Section, frozen=True):
    """Where pictures go."""

    directory: Annotated[Path, Meta(description="The folder of the finished pictures.")]
    trash_days: Annotated[
        Annotated[int, Meta(ge=1, le=36_500)] | None,
        Meta(description="Days after which a deleted take is gone for good; null means never by itself."),
    ] = 30


class Sets(_Section, frozen=True):
    """Your own sets."""

    directory: Annotated[
        Path,
        Meta(description="The folder of your own sets: a config.yaml and CSV files."),
    ]


class Loras(_Section, frozen=True):
    """Your LoRAs."""

    directory: Annotated[Path, Meta(description="The folder of your LoRAs (.safetensors files).")]


class Training(_Section, frozen=True, kw_only=True):
    """How LoRAs are trained."""

    learning_rate: Annotated[float, Meta(ge=1e-8, le=1.0, description="The learning rate.")] = 1e-4
    rank: Annotated[int, Meta(ge=1, le=256, description="The rank of the LoRA's matrices.")] = 4
    alpha: Annotated[
        float,
        Meta(ge=0.001, le=1024.0, description="The LoRA's scale is alpha divided by rank."),
    ] = 8.0
    dropout: Annotated[float, Meta(ge=0.0, le=0.95, description="The share of the LoRA's inputs left out.")] = 0.1
    max_steps: Annotated[int, Meta(ge=1, le=1_000_000, description="Training steps, after which it is done.")] = 1000
    save_every: Annotated[int, Meta(ge=1, le=1_000_000, description="Training steps between two checkpoints.")] = 100
    output_dir: Annotated[Path, Meta(description="The folder of the checkpoints.")]


class Hardware(_Section, frozen=True):
    """What the worker runs on."""

    device: Annotated[
        str,
        Meta(
            pattern=rf"^(auto|{_DEVICE}(, ?{_DEVICE}){{0,15}})$",
            description="The device, or several with commas, each with a worker of its own; auto takes every cuda "
            "device, or else mps, or else cpu.",
            extra={"words": "auto, or one or more of cuda, cuda:N, mps and cpu with commas between"},
        ),
    ] = "auto"
    mixed_precision: Annotated[bool, Meta(description="Use 16-bit numbers on a GPU: faster, half the memory.")] = True
    enable_attention_slicing: Annotated[bool, Meta(description="Save GPU memory in attention; slower.")] = False
    enable_vae_slicing: Annotated[bool, Meta(description="Decode pictures one by one to save GPU memory.")] = False
    enable_cpu_offload: Annotated[bool, Meta(description="Keep idle parts of the model off the GPU; much slower.")] = (
        False
    )
    compile: Annotated[
        bool,
        Meta(description="On a GPU call the UNet as CUDA graphs, and compile it beside the work where that is faster."),
    ] = True
    threads: Annotated[int, Meta(ge=0, le=1024, description="CPU threads of a worker; 0 means torch's choice.")] = 0


class Labeling(_Section, frozen=True, kw_only=True):
    """How pictures are labelled."""

    image: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            description="The container image of the labeler.",
        ),
    ] = "imagineer-claude-cli:latest"
    command: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=4000,
            description="What is run in the container, the prompt behind it; words with spaces in quotes.",
        ),
    ] = CLAUDE
    prompt: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="The label prompt where none is named, such as default or sd_training.",
        ),
    ] = "default"
    directory: Annotated[Path, Meta(description="The folder of your own label prompts: NAME.txt.")]
    concurrency: Annotated[int, Meta(ge=1, le=32, description="Pictures that are labelled at a time.")] = 2
    timeout_s: Annotated[int, Meta(ge=1, le=3600, description="Seconds that a labeler may take for a picture.")] = 120
    network: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            description="The container's network: bridge, none or one of your own.",
        ),
    ] = "bridge"
    memory_mb: Annotated[int, Meta(ge=16, le=262_144, description="Megabytes that a labeler may use.")] = 2048
    cpus: Annotated[float, Meta(ge=0.1, le=256, description="Processors that a labeler may use.")] = 2.0
    login_by: Annotated[
        LoginBy,
        Meta(description="How a labeler logs in: by a credentials file, a variable of the environment, or not at all."),
    ] = "file"
    credentials: Annotated[
        Path | None,
        Meta(description="The credentials file; null means .claude/.credentials.json in your home."),
    ] = None
    variable: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="The variable of the daemon's environment that holds the login's token.",
        ),
    ] = "CLAUDE_CODE_OAUTH_TOKEN"


class Daemon(_Section, frozen=True):
    """How imagineerd behaves."""

    queue_limit: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            description="Most jobs that may wait; where one client has all, others still get in up to their share.",
        ),
    ] = 100_000
    hang_s: Annotated[
        int,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds without a sign of life after which the worker is replaced.",
        ),
    ] = 300
    preview_rate: Annotated[
        float,
        Meta(ge=0.0, le=30.0, description="Most previews a second of a picture being drawn that is watched; 0: none."),
    ] = 2.0
    events_kept: Annotated[
        int,
        Meta(
            ge=100,
            le=100_000_000,
            description="Events kept for clients that come back; who missed more starts from a snapshot.",
        ),
    ] = 100_000
    history_days: Annotated[
        Annotated[int, Meta(ge=1, le=36_500)] | None,
        Meta(
            description="Days after which a batch of which no picture is left, not even in the trash, is forgotten; "
            "null means never. A take is never touched."
        ),
    ] = 365
    vacuum_percent: Annotated[
        Annotated[int, Meta(ge=1, le=99)] | None,
        Meta(
            description="Percent of the database that may lie empty before it is written anew while nothing waits; "
            "null means never."
        ),
    ] = 50
    start_paused: Annotated[bool, Meta(description="Start with the queue paused, until somebody resumes it.")] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="What is written to the log: this and what is worse."),
    ] = "info"


class Listen(_Section, frozen=True):
    """Where imagineerd listens beside its Unix sockets."""

    tcp: Annotated[
        Annotated[str, Meta(pattern=rf"^({_IPV4}|{_IPV6}):{_PORT}$")] | None,
        Meta(
            description="The address for clients of other machines, who need an authorized key; pictures come at the "
            "next port. null means none.",
            extra={"words": 'a numeric address and a port, such as 192.168.1.7:5757 or "[::1]:5757"'},
        ),
    ] = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration, checked; every path is absolute."""

    model: Model = Model()
    generation: Generation = Generation()
    output: Output
    sets: Sets
    loras: Loras
    training: Training
    hardware: Hardware = Hardware()
    labeling: Labeling
    daemon: Daemon = Daemon()
    listen: Listen = Listen()


# ---------------------------------------------------------------- descriptions

_WAITS: Final = (
    "hardware.",
    "model.cache_dir",
    "model.offline",
    "generation.batch_size",
    "daemon.hang_s",
    "daemon.log_level",
    "listen.",
)
"""What begins like this is told to the worker once, or used when the daemon starts; the rest is
looked up anew for each request."""


class Setting(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key of the file: what it takes, what it is for, and its value where the file is silent.

    `words` says what it takes (`a whole number from 1 to 150, or null`). `restart` is true where a
    change waits until the daemon is started again.
    """

    key: str
    kind: Kind
    words: str
    description: str
    default: Value = None
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: float | None = None
    choices: tuple[str, ...] = ()
    restart: bool = False


def needs_restart(key: str) -> bool:
    """Say whether a change of this key waits until the daemon is started again."""
    return key.startswith(_WAITS)


def as_plain(config: Config) -> dict[str, dict[str, Value]]:
    """Return the configuration by section as plain values; paths are texts."""
    plain: dict[str, dict[str, Value]] = msgspec.to_builtins(config, enc_hook=str)
    return plain


def changed(before: Config, after: Config) -> list[str]:
    """Return the keys whose values differ."""
    old, new = as_plain(before), as_plain(after)
    return [key for key in SETTINGS for section, name in [key.split(".")] if old[section][name] != new[section][name]]


def hint(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` with the setting of this name elsewhere, or the nearest word."""
    homes = [key for key in SETTINGS if key.split(".")[1] == word.rsplit(".", 1)[-1]]
    return f' Did you mean "{homes[0]}"?' if len(homes) == 1 else did_you_mean(word, known)


def _describe(key: str, annotation: Any) -> Setting:
    info, meta = _unwrap(inspect.type_info(annotation))
    optional = isinstance(info, inspect.UnionType)
    kind, words, limits = _describe_type(_first(info))
    if kind == "choice":
        # The annotation keeps the order that `inspect` loses.
        limits["choices"] = get_args(get_args(annotation)[0])
        words = f"one of {', '.join(limits['choices'])}"
    words = meta.get("words", words)
    return Setting(
        key=key,
        kind=kind,
        words=f"{words}, or null" if optional else words,
        description=meta["description"],
        optional=optional,
        restart=needs_restart(key),
        **limits,
    )


def _unwrap(info: inspect.Type) -> tuple[inspect.Type, dict[str, str]]:
    """Return a field's type, and what its annotation says about it."""
    if isinstance(info, inspect.Metadata):
        return info.type, {**(info.extra_json_schema or {}), **(info.extra or {})}
    return info, {}


def _first(info: inspect.Type) -> inspect.Type:
    return info.types[0] if isinstance(info, inspect.UnionType) else info


def _describe_type(info: inspect.Type) -> tuple[Kind, str, dict[str, Any]]:
    """Return a type's kind, what it takes in words, and its limits as fields of `Setting`."""
    match info:
        case inspect.BoolType():
            return "bool", "true or false", {}
        case inspect.IntType():
            return "int", f"a whole number {_range(info)}", _limits(info)
        case inspect.FloatType():
            return "float", f"a number {_range(info)}", _limits(info)
        case inspect.StrType():
            return "str", f"a text of at most {info.max_length} characters", {}
        case inspect.LiteralType():
            return "choice", "", {}
        case _:
            return "path", "a path", {}


def _range(info: inspect.IntType | inspect.FloatType) -> str:
    multiple = f", divisible by {info.multiple_of}" if info.multiple_of else ""
    return f"from {info.ge:,.12g} to {info.le:,.12g}{multiple}"


def _limits(info: inspect.IntType | inspect.FloatType) -> dict[str, Any]:
    return {"minimum": info.ge, "maximum": info.le, "multiple_of": info.multiple_of}


TYPES: Final[dict[str, Any]] = {
    f"{section.name}.{field.name}": field.type
    for section in msgspec.structs.fields(Config)
    for field in msgspec.structs.fields(section.type)
}
"""The type of every key, in the order in which they are shown."""

SETTINGS: Final = {key: _describe(key, annotation) for key, annotation in TYPES.items()}
"""Every setting, still without its default (that takes the paths: `config.describe`)."""
