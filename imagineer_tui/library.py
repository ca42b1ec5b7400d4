"""The commands of the LoRA library: list it, look at one LoRA, note something about it."""

from __future__ import annotations

from imagineer_tui import tables
from imagineer_tui.run import OK, Run
from imagineerd import protocol
from imagineerd.errors import Invalid


def loras(run: Run) -> int:
    """List the LoRAs."""
    run.out.show(run.client(start=True).loras(), tables.loras)
    return OK


def lora(run: Run) -> int:
    """Show one LoRA, after noting what is to be noted about it."""
    show = run.options.action == "show"
    run.out.show(run.client(start=True).lora(run.options.name) if show else _note(run), tables.lora)
    return OK


def _note(run: Run) -> protocol.LoraDetail:
    options = run.options
    if options.trigger is options.weight is options.notes is None:
        raise Invalid(message="There is nothing to note: give --trigger, --weight or --notes.")
    return run.client(start=True).note_lora(
        options.name, trigger=options.trigger, weight=options.weight, notes=options.notes
    )
