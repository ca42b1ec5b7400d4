"""The commands that write a batch into a folder: its picks, or its labelled takes for a trainer."""

from __future__ import annotations

from pathlib import Path

from imagineer_tui.exports import Export, Exported, Parcel, export_of, folder_for
from imagineer_tui.run import OK, Run
from imagineerd.client import Client


def export(run: Run) -> int:
    """Write a batch into a folder."""
    client, options = run.client(start=True), run.options
    detail = client.batch(options.batch)
    wanted = export_of(detail, options.format)
    folder = Path(options.to) if options.to else folder_for(Path(), detail.batch.id, options.format)
    run.out.show(_write(client, wanted, Parcel(folder)), lambda out, done: out.line(str(done)))
    return OK


def _write(client: Client, export: Export, parcel: Parcel) -> Exported:
    """Write all of it, or nothing."""
    parcel.begin(export.files)
    try:
        for file in export.files:
            parcel.put(file.name, client.picture(file.take) if file.take else file.text.encode())
    except BaseException:
        parcel.take_back()
        raise
    return export.done(parcel)
