"""Print what the daemon answers, readable at 80 columns. Paths go out as they are, on lines of their own."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from imagineer_tui.model.daemon import facts
from imagineer_tui.output import Output
from imagineer_tui.words import lasts, moment, number_of, size, states, title_of, took
from imagineerd import protocol
from imagineerd.errors import Problem
from imagineerd.jobs import GenerateSpec, Job, Mix, State
from imagineerd.labels.answers import one_line

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STYLES: Final[dict[State, str]] = {
    State.QUEUED: "dim",
    State.RUNNING: "cyan",
    State.DONE: "green",
    State.FAILED: "red",
    State.CANCELLED: "dim",
    State.HELD: "yellow",
}
MARKS: Final = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


# ---------------------------------------------------------------- sets and plans


def sets(out: Output, data: protocol.Sets) -> None:
    """Print all sets, then what is wrong."""
    table = _table("set", "cards>", "size>", "name", "description*")
    for info in data.sets:
        measures = f"{info.width}x{info.height}"
        table.add_row(info.id, str(info.cards), measures, info.name, info.description, style=_dim(info.problems))
    out.console.print(table)
    for problem in (*data.problems, *(problem for info in data.sets for problem in info.problems)):
        out.line(f"Problem: {problem}")


def set_detail(out: Output, data: protocol.SetDetail) -> None:
    """Print a set's template and its cards."""
    info = data.info
    out.line(f"{info.name} ({info.id}): {number_of(info.cards, 'card')}, {info.width}x{info.height}")
    parts = (
        ("base", data.base_prompt),
        ("theme", info.example_theme),
        ("card", data.prompt_template),
        ("style", data.style_suffix),
        ("negative", data.negative_prompt),
        ("mix", _mix(info.mix)),
    )
    _pairs(out, [(name, text) for name, text in parts if text])
    out.line()
    table = _table("#>", "card", "values*")
    for card in data.cards:
        table.add_row(str(card.index), card.name, ", ".join(filter(None, card.values.values())))
    out.console.print(table)
    for problem in info.problems:
        out.line(f"Problem: {problem}")


def plan(out: Output, data: protocol.Plan) -> None:
    """Print warnings first, then every card with its tokens and what is lost."""
    for warning in data.warnings:
        out.prose(f"Warning: {warning}")
    table = _table("#>", "card", "seed>", "tokens>", "notes*")
    for card in data.cards:
        table.add_row(str(card.index), card.name, str(card.seed), _tokens(card.tokens), _plan_notes(card))
    out.console.print(table)
    if missing := dict.fromkeys(word for card in data.cards for word in card.missing):
        words = ", ".join(f'"{word}"' for word in missing)
        out.prose(f"Hint: these trigger words stand in no prompt or not in all: {words}. --trigger adds them.")
    out.line(_plan_summary(data))


def themes(out: Output, data: protocol.Themes) -> None:
    """Print the themes, one on a line."""
    for theme in data.themes:
        out.line(theme)


def _tokens(tokens: protocol.Tokens) -> str:
    about = "" if tokens.exact else "~"
    return f"{'✗ ' if tokens.cut else ''}{about}{tokens.count}/{tokens.limit}"


def _plan_notes(card: protocol.PlannedCard) -> str:
    notes = [
        f'cut: "{card.tokens.cut}"' if card.tokens.cut else "",
        f"no column: {', '.join(card.unresolved)}" if card.unresolved else "",
        f"same as card {card.duplicate_of}" if card.duplicate_of else "",
    ]
    return "; ".join(filter(None, notes))


def _plan_summary(data: protocol.Plan) -> str:
    first = data.cards[0] if data.cards else None
    steps = f", {first.steps} steps, guidance {first.guidance_scale:g}" if first else ""
    what = f"{number_of(len(data.cards), 'card')} of {data.title}, {data.width}x{data.height}{steps}, {data.scheduler}"
    return f"{what}, {data.model.name}: {lasts(data.eta_s)}."


# ---------------------------------------------------------------- LoRAs


def loras(out: Output, data: protocol.Loras) -> None:
    """Print the library, then what is wrong; tags that stand for trigger words are in brackets."""
    if not data.loras:
        out.line(f"There is no LoRA in {data.folder}.")
    else:
        table = _table("lora*", "base", "rank>", "changes", "size>", "triggers*", "problem*")
        for info in data.loras:
            row = (info.name, _base(info), _ranks(info), _parts(info), size(info.bytes), _trigger(info), _problem(info))
            table.add_row(*row, style=_dim(() if info.usable else info.problems))
        out.console.print(table)
    for problem in (*data.problems, *(problem for info in data.loras for problem in info.problems)):
        out.line(f"Problem: {problem}")


def lora(out: Output, data: protocol.LoraDetail) -> None:
    """Print all that is known of a LoRA."""
    info = data.info
    alpha = "" if data.alpha is None else f", alpha {data.alpha:g}"
    parts = (
        ("name", info.name),
        ("file", data.file),
        ("base", f"{info.base}: {data.base_because}" if data.base_because else info.base),
        ("layout", data.layout),
        ("rank", f"{_ranks(info)}{alpha}"),
        ("changes", ", ".join(info.parts)),
        ("size", size(info.bytes)),
        ("sha256", data.sha256),
        ("triggers", _trigger(info)),
        ("weight", "" if info.weight is None else f"{info.weight:g}"),
        ("notes", data.notes),
        ("about", data.description),
        ("tags", ", ".join(f"{tag} {count}" for tag, count in data.tags)),
    )
    _pairs(out, [(name, text) for name, text in parts if text])
    for problem in info.problems:
        out.line(f"Problem: {problem}")


def mixes(out: Output, data: protocol.Mixes) -> None:
    """Print the saved mixes."""
    if not data.mixes:
        out.line("No mix is saved: imagineer mix save NAME LORA:WEIGHT LORA:WEIGHT")
        return
    table = _table("mix", "saved", "loras*")
    for saved in data.mixes:
        table.add_row(saved.name, moment(saved.saved_at), _mix(saved.mix))
    out.console.print(table)


def mix(out: Output, data: protocol.MixInfo) -> None:
    """Print a saved mix, as it may be written."""
    out.line(f"{data.name}: {_mix(data.mix)}")


def _base(info: protocol.LoraInfo) -> str:
    return "?" if info.base == "unknown" else info.base


def _ranks(info: protocol.LoraInfo) -> str:
    return f"{info.ranks[0]}-{info.ranks[-1]}" if len(info.ranks) > 1 else "".join(map(str, info.ranks))


def _parts(info: protocol.LoraInfo) -> str:
    short = {"unet": "unet", "text_encoder": "text", "transformer": "transf."}
    return "+".join(short.get(part, part) for part in info.parts)


def _trigger(info: protocol.LoraInfo) -> str:
    return f"({info.trigger})" if info.trigger_from == "tags" else info.trigger


def _problem(info: protocol.LoraInfo) -> str:
    return "" if not info.problems else "doubtful" if info.usable else "unusable"


# ---------------------------------------------------------------- batches and jobs


def batches(out: Output, data: protocol.Batches) -> None:
    """Print a page of batches."""
    table = _table("batch", "dealt", "theme*", "takes>", "cards")
    for batch in data.batches:
        theme = batch.theme or batch.title
        table.add_row(batch.id, moment(batch.created_at), theme, str(batch.takes), states(batch.states))
    out.console.print(table)
    _more(out, more=data.before is not None)


def batch(out: Output, data: protocol.BatchDetail) -> None:
    """Print a batch with its slots and takes; `*` marks the pick, `♥` a favourite."""
    head = data.batch
    mixed = f", mix {' + '.join(head.mixes)}" if head.mixes else ""
    out.line(f"{title_of(head)}{mixed}, {moment(head.created_at)}: {states(head.states)}")
    out.line(head.folder)
    table = _table("#>", "card", "state", "takes*")
    for slot in data.slots:
        table.add_row(str(slot.index), slot.name, _state(slot.state), _takes(slot))
    out.console.print(table)


def dealt(out: Output, data: protocol.Dealt) -> None:
    """Print what was accepted."""
    before = f", {data.cached} drawn before" if data.cached else ""
    out.line(f"{number_of(len(data.jobs), 'card')} queued{before}; imagineer watch {data.batch.id}")
    out.line(data.batch.folder)


def put_aside(out: Output, data: protocol.Dealt) -> None:
    """Print what was accepted and is held."""
    out.line(f"{number_of(len(data.jobs), 'card')} held; imagineer release {data.batch.id}")
    out.line(data.batch.folder)


def jobs(out: Output, data: protocol.Jobs) -> None:
    """Print a page of jobs."""
    table = _table("job>", "state", "batch", "card*", "seed>", "note*")
    for job in data.jobs:
        name = job.spec.name or f"slot {job.slot}"
        note = job.error.message if job.error else f"take {job.take}" if job.take else ""
        table.add_row(str(job.id), _state(job.state), job.batch, name, _seed(job), note)
    out.console.print(table)
    _more(out, more=data.before is not None)


def queue(out: Output, data: protocol.Queue) -> None:
    """Print a page of the queue in its order."""
    if data.paused:
        out.line("The queue is paused; imagineer resume")
    table = _table("job>", "state", "priority>", "batch", "card*", "seed>")
    for job in data.jobs:
        name = job.spec.name or f"slot {job.slot}"
        table.add_row(str(job.id), _state(job.state), str(job.priority), job.batch, name, _seed(job))
    out.console.print(table)
    _more(out, more=data.after is not None)


def cancelled(out: Output, data: protocol.Cancelled) -> None:
    """Print how many jobs ended, end, or had ended."""
    parts = [
        f"{len(data.cancelled)} cancelled" if data.cancelled else "",
        f"{len(data.stopping)} stopping" if data.stopping else "",
        f"{len(data.ended)} had ended before" if data.ended else "",
    ]
    out.line(f"Jobs: {', '.join(filter(None, parts)) or 'none was open'}.")


def retried(out: Output, data: protocol.Retried) -> None:
    """Print how many jobs are queued again."""
    out.line(f"{number_of(len(data.jobs), 'job')} queued again." if data.jobs else "There was nothing to retry.")


def held(out: Output, data: protocol.Held) -> None:
    """Print how many jobs are held now."""
    out.line(f"{number_of(len(data.jobs), 'job')} held." if data.jobs else "Nothing was waiting.")


def placed(out: Output, data: protocol.Placed) -> None:
    """Print how many jobs stand elsewhere now."""
    out.line(f"{number_of(len(data.jobs), 'job')} moved; imagineer queue" if data.jobs else "Nothing was to be moved.")


def _seed(job: Job) -> str:
    return str(job.spec.seed) if isinstance(job.spec, GenerateSpec) else "label"


def _takes(slot: protocol.Slot) -> str:
    takes = ", ".join(
        f"{take.id}{'*' if take.id == slot.pick else ''}{'♥' if take.favourite else ''}" for take in slot.takes
    )
    return "; ".join(filter(None, (takes, slot.error.message if slot.error else "")))


def _more(out: Output, *, more: bool) -> None:
    if more:
        out.line("There are more: --all, or --limit N.")


# ---------------------------------------------------------------- takes


def takes(out: Output, data: protocol.Takes) -> None:
    """Print a page of takes; `*` marks the pick, `♥` a favourite."""
    _list_takes(out, data, "No take is like that.", "drawn", lambda take: moment(take.created_at))


def trash(out: Output, data: protocol.Takes) -> None:
    """Print a page of what lies in the trash."""
    _list_takes(out, data, "The trash is empty.", "deleted", lambda take: moment(take.deleted_at or 0.0))


def take(out: Output, data: protocol.TakeDetail) -> None:
    """Print all that is known of a take, and the command that draws it again."""
    about, found, spec = data.about, data.about.take, data.spec
    revision = f" ({data.model_revision})" if data.model_revision else ""
    device = ", ".join(filter(None, (data.device_name or data.device, data.dtype)))
    parts = (
        ("take", f"{found.id}{_marks(about)}"),
        ("card", f"{about.card}, slot {found.slot} of {found.batch}"),
        ("theme", about.theme),
        ("prompt", spec.prompt),
        ("negative", spec.negative_prompt),
        ("seed", str(spec.seed)),
        ("size", f"{found.width}x{found.height}, {size(found.bytes)}"),
        ("sampler", f"{spec.scheduler}, {spec.steps} steps, guidance {spec.guidance_scale:g}"),
        ("mix", " + ".join(map(_mixed, data.mix)) or _mix(spec.mix)),
        ("model", f"{spec.model}{revision}"),
        ("drawn", _when_drawn(data)),
        ("device", device),
        ("rating", found.rating or ""),
        ("deleted", moment(found.deleted_at) if found.deleted_at else ""),
    )
    _pairs(out, [(name, text) for name, text in parts if text])
    out.line(f"{data.folder}/{found.file}" if not found.deleted_at else data.folder)
    out.line(again(data))


def again(data: protocol.TakeDetail) -> str:
    """Return the command that draws a take again."""
    chosen = data.settings
    options = [
        *("--seed", chosen.seed, "--steps", chosen.steps, "--guidance-scale", f"{chosen.guidance_scale:g}"),
        *("--scheduler", chosen.scheduler, "--width", chosen.width, "--height", chosen.height, "--model", chosen.model),
        *(("--negative-prompt", chosen.negative_prompt) if chosen.negative_prompt else ()),
        *(word for lora in chosen.mix or () for word in ("--lora", f"{lora.name}:{lora.weight:g}")),
    ]
    return shlex.join(["imagineer", "generate", data.spec.prompt, *map(str, options)])


def _list_takes(
    out: Output, data: protocol.Takes, nothing: str, when: str, moment_of: Callable[[protocol.Take], str]
) -> None:
    if not data.takes:
        out.line(nothing)
        return
    table = _table("take>", "card*", "batch", when, "theme*")
    for about in data.takes:
        found = about.take
        name = f"{found.id}{_marks(about)}"
        table.add_row(name, about.card, found.batch, moment_of(found), about.theme)
    out.console.print(table)
    _more(out, more=data.before is not None)


def _marks(about: protocol.ListedTake) -> str:
    return f"{'*' if about.pick else ''}{'♥' if about.take.favourite else ''}"


def _mixed(lora: protocol.MixedLora) -> str:
    applied = "" if lora.applied is None else f" ({lora.applied:.0%} of its layers)"
    return f"{lora.name} {lora.weight:g}{applied}"


# ---------------------------------------------------------------- labels


def labeling(out: Output, data: protocol.Labeling) -> None:
    """Print what was accepted."""
    skipped = f"; {number_of(data.skipped, 'take')} labelled or waiting already" if data.skipped else ""
    out.line(f"{number_of(len(data.jobs), 'take')} to be labelled{skipped}.")


def labels(out: Output, data: protocol.BatchDetail) -> None:
    """Print the labels of a batch."""
    table = _table("take>", "card", "rating", "caption*", "tags*")
    for slot in data.slots:
        for take in slot.takes:
            label = take.label or protocol.Label(id=0)
            table.add_row(str(take.id), slot.name, label.rating, label.caption, ", ".join(label.tags))
    out.console.print(table)


def label_history(out: Output, data: protocol.Labels) -> None:
    """Print every label that a take ever had, newest first; `*` marks the one it has now."""
    if not data.labels:
        out.line(f"Take {data.take} has no label.")
        return
    for label in data.labels:
        mark = "*" if label.id == data.current else " "
        out.line(f"{mark} {label.id}  {moment(label.at)}  {_said_by(label)}")
        out.line(f"    {label_line(label)}")


def _when_drawn(data: protocol.TakeDetail) -> str:
    take = data.about.take
    if take.cached:
        return f"before; here since {moment(take.created_at)}"
    return f"{moment(take.created_at)} in {took(take.duration)}, {data.seconds_per_step:.3g} s a step"


def take_label(out: Output, data: protocol.TakeLabel) -> None:
    """Print the label that a take has now."""
    out.line(f"Take {data.take}: {label_line(data.label) if data.label else 'no label.'}")


def label_line(label: protocol.Label) -> str:
    """Return a label on one line."""
    parts = (label.rating, label.caption, f"[{', '.join(label.tags)}]" if label.tags else "")
    return " ".join(filter(None, parts)) or f"not understood: {one_line(label.answer)}"


def label_prompts(out: Output, data: protocol.LabelPrompts) -> None:
    """Print what can be asked."""
    for name in data.names:
        out.line(name)
    out.line(f"Your own: {data.folder}/NAME.txt")


def labeler_built(out: Output, data: protocol.LabelerBuilt) -> None:
    """Print how the build ended."""
    out.line(data.error.message if data.error else f"The image {data.image} is built.")


def _said_by(label: protocol.Label) -> str:
    machine = f"{label.model or 'a labeler'} ({label.prompt} {label.prompt_version})" if label.prompt else ""
    return " then ".join(filter(None, (machine, "by hand" if label.person else "")))


# ---------------------------------------------------------------- the daemon


def status(out: Output, data: protocol.Status) -> None:
    """Print how the daemon is."""
    _pairs(out, facts(data))
    if data.model.knows:
        out.prose(data.model.knows)


def doctor(out: Output, data: protocol.Doctor) -> None:
    """Print every check with its mark, and the remedy below what is wrong."""
    from rich.text import Text  # loaded where it is printed with

    for check in data.checks:
        mark, style = MARKS[check.level]
        line = Text.assemble((mark, style), f" {check.name}: {check.message}")
        out.console.print(line, soft_wrap=True)
        if check.remedy:
            out.console.print(Text(f"  {check.remedy}"), soft_wrap=True)


def config(out: Output, data: protocol.Config) -> None:
    """Print all values by section."""
    out.line(f"# {data.file}")
    for section, values in data.values.items():
        out.line(f"{section}:")
        for key, value in values.items():
            out.line(f"  {key}: {plain(value)}")
    if data.restart_needed:
        out.line("# Some changes wait for a restart: imagineer stop, imagineer start")


def plain(value: object) -> str:
    """Return a value of the configuration as YAML writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case "":
            return '""'
        case _:
            return str(value)


# ---------------------------------------------------------------- how tables look


def _table(*columns: str) -> Table:
    """Return a table without lines. `name>` is set to the right, `name*` may wrap."""
    from rich.table import Table  # loaded where it is printed with

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        justify, wraps = "right" if column.endswith(">") else "left", column.endswith("*")
        table.add_column(column.rstrip(">*"), justify=justify, no_wrap=not wraps, overflow="fold")  # type: ignore[arg-type]
    return table


def _pairs(out: Output, pairs: Sequence[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in pairs)
    for name, text in pairs:
        out.line(f"{name:<{width}}  {text}")


def _state(state: State) -> Text:
    from rich.text import Text  # loaded where it is printed with

    return Text(state.value, style=STYLES[state])


def _dim(problems: Sequence[Problem]) -> str:
    return "dim" if problems else ""


def _mix(mix: Mix) -> str:
    return " + ".join(lora.name if lora.noted else f"{lora.name} {lora.weight:g}" for lora in mix)
