"""The command line of `imagineer`: commands, options and what they say in their help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeAlias, get_args

from imagineer_tui import axes
from imagineerd.jobs import SCHEDULERS, LoraWeight, State
from imagineerd.protocol import Role, Settings
from imagineerd.version import VERSION

GRID_HELP = "The first axis runs across the sheet, the second down, and each further one adds blocks below."
CONFIGURED = "configured"
"""What `--label` without a prompt stands for."""
EXIT_CODES = "exit codes: 0 done, 1 something failed, 2 wrong input, 3 no daemon answers, 130 interrupted"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `command` is None where no command was given."""
    parser = argparse.ArgumentParser(
        prog="imagineer",
        description="Deal themed card decks with Stable Diffusion.",
        epilog=EXIT_CODES,
        parents=[_common()],
    )
    parser.add_argument("--version", action="version", version=f"imagineer {VERSION}")
    parser.set_defaults(json=False, command=None, host="", connect="")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_making(commands)
    _add_looking(commands)
    _add_steering(commands)
    _add_labels(commands)
    _add_keeping(commands)
    return parser


def lora_weight(text: str) -> LoraWeight:
    """Read `NAME:WEIGHT`, or `NAME` for the weight that is noted beside it, else 1."""
    name, colon, weight = text.rpartition(":")
    try:
        lora = LoraWeight(name, float(weight)) if colon else LoraWeight(text, noted=True)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{weight}" is no weight: write NAME:0.6') from None
    if not lora.name:
        raise argparse.ArgumentTypeError(f'"{text}" names no LoRA: write NAME:0.6')
    return lora


def lora_axis_or_weight(text: str) -> axes.Given:
    """Read `NAME=0,0.5,1`, or what `lora_weight` reads."""
    return axes.lora_axis(text, lora_weight)


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings that the options name; the daemon fills in the rest."""
    return Settings(
        width=options.width,
        height=options.height,
        steps=options.steps,
        guidance_scale=options.guidance_scale,
        seed=options.seed,
        scheduler=options.scheduler,
        negative_prompt=options.negative_prompt,
        mix=tuple(options.lora) if options.lora else None,
        model=options.model,
        add_triggers=options.trigger,
    )


# ---------------------------------------------------------------- groups of commands

# argparse has no public names for them, and cannot subscript one at run time.
Group: TypeAlias = "argparse._ArgumentGroup"  # noqa: SLF001
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def _add(commands: Commands, name: str, text: str, *, choosing: bool = False) -> argparse.ArgumentParser:
    parents = [_common(), _settings()] if choosing else [_common()]
    return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", parents=parents)


def _add_making(commands: Commands) -> None:
    deal = _add(commands, "deal", "draw every card of a set", choosing=True)
    deal.add_argument("set", metavar="SET", help="id of the set, or the beginning of it")
    _add_deal_options(deal)
    _add_label_option(deal)
    _add_queueing(deal)
    generate = _add(commands, "generate", "draw a single prompt", choosing=True)
    generate.add_argument("prompt", metavar="PROMPT")
    generate.add_argument("-n", dest="count", type=int, default=1, metavar="N", help="how many pictures (1)")
    generate.add_argument("--name", default="", help="what to call it")
    _add_queueing(generate)
    _add_grid(commands)
    reroll = _add(commands, "reroll", "draw cards of a batch once more, with new seeds")
    _add_batch(reroll)
    reroll.add_argument("slots", nargs="+", metavar="SLOT", help="numbers, ranges (3-7) or names of cards")
    reroll.add_argument("--seed", type=int, help="seed of the first one")
    _add_queueing(reroll)
    complete = _add(commands, "complete", "draw what a batch lacks")
    _add_batch(complete)
    _add_queueing(complete)


def _add_grid(commands: Commands) -> None:
    text = "draw a prompt or a card with every combination of some values, and a contact sheet"
    grid = commands.add_parser(
        "grid", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=GRID_HELP, parents=[_common(), _values()]
    )
    grid.add_argument("what", nargs="+", metavar="PROMPT|SET CARD", help="a prompt, or a set and a card of it")
    _add_plain_settings(grid.add_argument_group("settings", "of all cells"))
    grid.set_defaults(steps=None, guidance_scale=None, seed=None, lora=None)
    _add_queueing(grid)
    sheet = _add(commands, "sheet", "draw the contact sheet of a grid anew, with the picks as they are now")
    _add_batch(sheet)
    sheet.add_argument("--out", metavar="FILE", help="write a copy here, as from a daemon on another machine")


def _add_looking(commands: Commands) -> None:
    plan = _add(commands, "plan", "show what `deal` would do", choosing=True)
    plan.add_argument("set", metavar="SET")
    _add_deal_options(plan)
    themes = _add(commands, "themes", "make up themes")
    themes.add_argument("-n", dest="count", type=int, default=5, metavar="N", help="how many (5)")
    themes.add_argument("--seed", type=int, help="the same seed gives the same themes")
    sets = _add(commands, "sets", "list the sets, or show one with its cards")
    sets.add_argument("set", metavar="SET", nargs="?")
    _add(commands, "loras", "list the LoRAs of the library")
    _add_lora(_add(commands, "lora", "show one LoRA, or note something about it"))
    _add_mix(_add(commands, "mix", "list, show, save, rename or delete mixes of LoRAs"))
    batches = _add(commands, "batches", "list what was dealt, newest first")
    batches.add_argument("--auditions", action="store_true", help="also what the Mixer drew to be looked at")
    _add_limit(batches)
    show = _add(commands, "show", "show a batch with its cards and takes")
    _add_batch(show)
    _add_take(_add(commands, "take", "show all that is known of a take"))
    find = _add(commands, "search", "find takes, newest first")
    find.add_argument("words", nargs="*", metavar="WORDS", help='such as: fool lora:Ink card:"The Fool" is:favourite')
    _add_limit(find)
    trash = _add(commands, "trash", "list the deleted takes, or delete them for good")
    trash.add_argument("--empty", action="store_true", help="delete them for good; nothing brings them back")
    _add_limit(trash)
    export = _add(commands, "export", "write the picks of a batch into a folder")
    _add_batch(export)
    export.add_argument("--to", metavar="FOLDER", help="BATCH_pictures if left out; nothing in it is overwritten")
    export.set_defaults(format="pictures")
    watch = _add(commands, "watch", "follow a batch until it is done")
    _add_batch(watch)
    _add_limit(_add(commands, "queue", "list what runs and what waits, in the order of the queue"))
    jobs = _add(commands, "jobs", "list jobs, newest first")
    jobs.add_argument("--state", action="append", choices=[state.value for state in State], help="only these")
    jobs.add_argument("--batch", metavar="BATCH", help="only those of this batch")
    _add_limit(jobs)


def _add_lora(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_lora_name(_add(actions, "show", "show all that is known of it"))
    note = _add(actions, "note", "write trigger words, weight or notes into the .json beside it")
    _add_lora_name(note)
    note.add_argument("--trigger", metavar="TEXT", help='the words that wake it; "" takes them back')
    note.add_argument("--weight", type=float, metavar="W", help="the weight that suits it, -2 to 2; 0 takes it back")
    note.add_argument("--notes", metavar="TEXT", help='anything else; "" takes it back')


def _add_mix(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    _add(actions, "list", "list the saved mixes")
    _add_mix_name(_add(actions, "show", "show a mix"))
    save = _add(actions, "save", "save a mix under a name, in place of an earlier one")
    _add_mix_name(save, "up to 64 letters, digits, spaces, _ and -; no LoRA's")
    save.add_argument("loras", nargs="+", type=lora_weight, metavar="LORA:WEIGHT", help="LoRAs, or mixes, in order")
    rename = _add(actions, "rename", "give a mix another name")
    _add_mix_name(rename)
    rename.add_argument("to", metavar="NEW")
    _add_mix_name(_add(actions, "delete", "delete a mix; what was dealt with it stays"))


def _add_mix_name(parser: argparse.ArgumentParser, text: str = "as `mix list` lists it") -> None:
    parser.add_argument("name", metavar="NAME", help=text)


def _add_lora_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as `loras` lists it")


def _add_steering(commands: Commands) -> None:
    pick = _add(commands, "pick", "make a take the one that counts for its card")
    _add_take(pick)
    favourite = _add(commands, "favourite", "mark takes as favourites")
    favourite.add_argument("takes", nargs="+", type=int, metavar="TAKE", help="numbers, as `show` lists them")
    favourite.add_argument("--off", action="store_true", help="take the mark back")
    delete = _add(commands, "delete", "put takes, or all takes of a batch, into the trash")
    _add_takes_or_batch(delete)
    restore = _add(commands, "restore", "take takes, or all takes of a batch, back from the trash")
    _add_takes_or_batch(restore)
    cancel = _add(commands, "cancel", "cancel jobs, or those of a batch that are open or held")
    _add_jobs_or_batch(cancel)
    retry = _add(commands, "retry", "queue failed, held or cancelled jobs again")
    _add_jobs_or_batch(retry, optional=True)
    retry.add_argument("--failed", action="store_true", help="all that failed or whose worker died, of all batches")
    _add_jobs_or_batch(_add(commands, "hold", "hold waiting jobs, or those of a batch, until they are released"))
    _add_jobs_or_batch(_add(commands, "release", "queue held jobs again, or those of a batch"))
    move = _add(commands, "move", "move waiting jobs, or those of a batch, within the queue")
    _add_jobs_or_batch(move)
    where = move.add_mutually_exclusive_group(required=True)
    where.add_argument("--top", dest="end", action="store_const", const="top", help="before all others")
    where.add_argument("--bottom", dest="end", action="store_const", const="bottom", help="behind all others")
    where.add_argument("--before", type=int, metavar="JOB", help="right before this one")
    priority = _add(commands, "priority", "give waiting jobs, or those of a batch, another priority")
    priority.add_argument("priority", metavar="N", type=int, help="-100 to 100: the highest goes first; decks have 0")
    _add_jobs_or_batch(priority)
    pause = _add(commands, "pause", "start no more jobs, not even after a restart of the daemon")
    pause.add_argument("--now", action="store_true", help="stop what runs as well; it goes back to its place")
    _add(commands, "resume", "let a paused queue go on")


def _add_labels(commands: Commands) -> None:
    label = _add(commands, "label", "have takes labelled: caption, rating, tags")
    _add_takes_or_batch(label)
    label.add_argument("--prompt", default="", metavar="NAME", help="what is asked: default, sd_training, or your own")
    label.add_argument("--force", action="store_true", help="also those that have a label")
    label.add_argument("--detach", action="store_true", help="do not wait for the labels")
    labels = _add(commands, "labels", "show, change and export labels, or build the labeler")
    actions = labels.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = _add(actions, "show", "show the labels of a batch, or all that a take ever had")
    show.add_argument("what", metavar="BATCH|TAKE")
    edit = _add(actions, "edit", "change the label of a take; what it was is kept")
    _add_take(edit)
    edit.add_argument("--caption", metavar="TEXT")
    edit.add_argument("--rating", choices=("safe", "suggestive", "adult", "explicit", "none"), type=str.lower)
    edit.add_argument("--tags", metavar="TAGS", help="with commas between them")
    restore = _add(actions, "restore", "give a take an earlier label back; without LABEL the one before")
    _add_take(restore)
    restore.add_argument(
        "label", metavar="LABEL", type=int, nargs="?", help="its number, as `labels show TAKE` lists it"
    )
    _add(actions, "prompts", "list what can be asked")
    export = _add(actions, "export", "write the labelled pictures of a batch into a folder")
    _add_batch(export)
    export.add_argument("--format", choices=("kohya", "jsonl", "csv"), default="kohya", help="kohya if left out")
    export.add_argument("--to", metavar="FOLDER", help="BATCH_FORMAT if left out; nothing in it is overwritten")
    build = _add(actions, "build", "build the labeler's container image")
    build.add_argument("--base", default="", metavar="IMAGE", help="the image to build on (node:22-slim)")
    build.add_argument(
        "--cli-version", default="", metavar="VERSION", help="of the Claude CLI; a pinned one if left out"
    )
    build.add_argument("--network", default="", metavar="NETWORK", help="the network that the build uses")


def _add_keeping(commands: Commands) -> None:
    _add(commands, "status", "show how the daemon is")
    _add(commands, "doctor", "check everything that imagineer needs")
    _add_config(_add(commands, "config", "show or change the configuration"))
    _add_keys(_add(commands, "keys", "say who may come in over the network, and as whom we go there"))
    _add(commands, "start", "start the daemon")
    _add(commands, "stop", "stop the daemon; the queue stays")
    completion = _add(commands, "completion", "print a completion script for a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(action="show")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    _add(actions, "show", "show all values")
    _add(actions, "get", "show one value").add_argument("key", metavar="KEY", help="such as generation.steps")
    change = _add(actions, "set", "change one value")
    change.add_argument("key", metavar="KEY", help="such as generation.steps")
    change.add_argument("value", metavar="VALUE", help="as YAML")
    _add(actions, "unset", "go back to the default").add_argument("key", metavar="KEY")


def _add_keys(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add(actions, "new", "draw the key with which we go to daemons of other machines")
    authorize = _add(actions, "authorize", "let a client in, or change its role")
    authorize.add_argument("name", metavar="NAME", help="what to call it")
    authorize.add_argument("key", metavar="KEY", help="its public key, as its `keys new` prints it")
    role = "look; operator: deal and steer, too; admin: configure and stop, too"
    authorize.add_argument("--role", choices=get_args(Role), required=True, help=f"viewer: {role}")
    _add(actions, "revoke", "let a client in no more").add_argument("name", metavar="NAME", help="as `list` shows it")
    trust = _add(actions, "trust", "note the public key of a daemon of another machine")
    trust.add_argument("address", metavar="ADDRESS", help="tcp://HOST:PORT")
    trust.add_argument("key", metavar="KEY", help="the daemon's key, as `keys list` there prints it")
    _add(actions, "list", "list who may come in, and the keys of this machine")


# ---------------------------------------------------------------- groups of options


def _common() -> argparse.ArgumentParser:
    """Return the options that stand before or behind every command."""
    parent = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    parent.add_argument("--json", action="store_true", help="print data as JSON, and nothing else")
    parent.add_argument("--host", metavar="HOST", help="the daemon of another machine, through ssh: box or user@box")
    parent.add_argument("--connect", metavar="ADDRESS", help="the one at tcp://HOST:PORT, by a key: see `keys`")
    return parent


def _settings() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    group = parent.add_argument_group("settings", "what is left out comes from the card, the set or the config")
    group.add_argument("--steps", type=int, metavar="N", help="sampler steps (1 to 150)")
    group.add_argument("--guidance-scale", type=float, metavar="X", help="0 to 30")
    group.add_argument("--seed", type=int, metavar="N", help="seed of the first picture; the next has one more")
    group.add_argument(
        "--lora", action="append", type=lora_weight, metavar="NAME:WEIGHT", help="may be given more than once"
    )
    group.add_argument(
        "--mix", dest="lora", action="append", type=lora_weight, metavar="NAME", help="a saved mix; NAME:0.5 halves it"
    )
    _add_plain_settings(group)
    return parent


def _values() -> argparse.ArgumentParser:
    """Return the options of a grid that may have several values; they are kept in the order they are given."""
    parent = argparse.ArgumentParser(add_help=False)
    group = parent.add_argument_group("axes", "what has several values is an axis")
    _add_values(group, "--lora", lora_axis_or_weight, "NAME=0,0.5,1", "weights of a LoRA or a saved mix")
    _add_values(group, "--mix", lora_weight, "NAME", "a saved mix, the same in all cells")
    _add_values(group, "--steps", axes.steps_axis, "10,20", "sampler steps")
    _add_values(group, "--guidance-scale", axes.guidance_axis, "3,7.5", "guidance scales")
    _add_values(group, "--seed", axes.seed_axis, "1,2,3", "seeds; without them all cells have the same one")
    _add_values(group, "--theme", axes.theme_axis, "TEXT", "a theme; may be given more than once")
    return parent


def _add_values(group: Group, option: str, read: Callable[[str], axes.Given], metavar: str, text: str) -> None:
    group.add_argument(option, dest="given", action="append", type=read, metavar=metavar, help=text)


def _add_plain_settings(group: Group) -> None:
    group.add_argument("--scheduler", choices=SCHEDULERS)
    group.add_argument("--width", type=int, metavar="PIXELS", help="divisible by 8")
    group.add_argument("--height", type=int, metavar="PIXELS", help="divisible by 8")
    group.add_argument("--negative-prompt", metavar="TEXT")
    group.add_argument(
        "--trigger", action="store_true", help="add the LoRAs' trigger words behind the prompt, those that it lacks"
    )
    group.add_argument("--model", metavar="NAME", help="another model than the configured one")


def _add_deal_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--theme", default="", metavar="TEXT", help='the theme; "random" makes one up')
    parser.add_argument("--cards", default="", metavar="CARDS", help='such as "1-13,Ace of Spades"; all if left out')


def _add_label_option(parser: argparse.ArgumentParser) -> None:
    text = "have each take labelled as it is there, with the configured prompt or this one"
    parser.add_argument("--label", nargs="?", const=CONFIGURED, default="", metavar="PROMPT", help=text)


def _add_queueing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--priority", type=int, metavar="N", help="-100 to 100: the highest goes first")
    parser.add_argument("--hold", action="store_true", help="draw nothing until it is released")
    parser.add_argument("--fresh", action="store_true", help="draw all, also what was drawn before just so")
    parser.add_argument("--detach", action="store_true", help="do not wait for the pictures")


def _add_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("batch", metavar="BATCH", help='id, the beginning of it, or "last"')


def _add_take(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("take", metavar="TAKE", type=int, help="its number, as `show` lists it")


def _add_takes_or_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="+", metavar="TAKE|BATCH", help="numbers of takes, or one batch")


def _add_limit(parser: argparse.ArgumentParser) -> None:
    number = parser.add_mutually_exclusive_group()
    number.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (20)")
    number.add_argument("--all", action="store_true", help="all of them")


def _add_jobs_or_batch(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument(
        "what", nargs="*" if optional else "+", metavar="JOB|BATCH", help="numbers of jobs, or one batch"
    )
