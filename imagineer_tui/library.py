"""The commands of the LoRA library: list it, look at one LoRA, note something about it, and saved mixes."""

from __future__ import annotations

import msgspec

from imagineer_tui import tables
from imagineer_tui.run import OK, Run
from imagineerd import protocol
from imagineerd.client import Client
from imagineerd.errors import Invalid

PAGE = 1000


def loras(run: Run) -> int:
    """List the LoRAs."""
    run.out.show(_whole_library(run.client(start=True)), tables.loras)
    return OK


def lora(run: Run) -> int:
    """Show one LoRA, after noting what is to be noted about it."""
    show = run.options.action == "show"
    run.out.show(run.client(start=True).lora(run.options.name) if show else _note(run), tables.lora)
    return OK


def mix(run: Run) -> int:
    """List the saved mixes, or do something with one."""
    client, options = run.client(start=True), run.options
    match options.action:
        case "list":
            run.out.show(client.mixes(), tables.mixes)
        case "show":
            run.out.show(client.mix(options.name), tables.mix)
        case "save":
            run.out.show(client.save_mix(options.name, options.loras), tables.mix)
        case "rename":
            run.out.show(client.rename_mix(options.name, options.to), tables.mix)
        case "delete":
            deleted = f"The mix {options.name} is deleted."
            run.out.show(client.delete_mix(options.name), lambda out, _: out.line(deleted))
    return OK


def _whole_library(client: Client) -> protocol.Loras:
    """Return all pages as one: a library of thousands is read by its daemon piece by piece."""
    whole = client.loras(limit=PAGE)
    while whole.after is not None:
        page = client.loras(limit=PAGE, after=whole.after)
        whole = msgspec.structs.replace(page, loras=whole.loras + page.loras)
    return whole


def _note(run: Run) -> protocol.LoraDetail:
    options = run.options
    if options.trigger is options.weight is options.notes is None:
        raise Invalid(message="There is nothing to note: give --trigger, --weight or --notes.")
    return run.client(start=True).note_lora(
        options.name, trigger=options.trigger, weight=options.weight, notes=options.notes
    )
