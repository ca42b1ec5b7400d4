"""The commands of single takes: look at one, find some, keep the good and delete the bad."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from imagineer_tui import tables
from imagineer_tui.looking import pages
from imagineer_tui.run import OK, Run
from imagineer_tui.steering import numbers_or_batch, saying
from imagineer_tui.words import number_of, size
from imagineerd import protocol

_SEVERAL_WORDS: Final = re.compile(r'(-?[a-z]+:)([^":]*\s[^":]*)')


def take(run: Run) -> int:
    """Show all that is known of a take."""
    run.out.show(run.client(start=True).take(run.options.take), tables.take)
    return OK


def search(run: Run) -> int:
    """Find takes."""
    client, query = run.client(start=True), query_of(run.options.words)

    def page(limit: int, before: Any) -> protocol.Takes:
        return client.search(query, limit, before)

    run.out.show(pages(run, page, "takes"), tables.takes)
    return OK


def favourite(run: Run) -> int:
    """Mark takes as favourites, or take the mark back."""
    options = run.options
    done = run.client(start=True).favourite(options.takes, on=not options.off)
    what = number_of(len(options.takes), "take")
    run.out.show(done, saying(f"{what} marked." if not options.off else f"{what} no longer marked."))
    return OK


def delete(run: Run) -> int:
    """Put takes into the trash."""
    deleted = run.client(start=True).delete(**_takes_or_batch(run))
    back = " ".join(run.options.what)
    what = number_of(len(deleted.takes), "take")
    run.out.show(deleted, saying(f"{what} moved to the trash; imagineer restore {back}"))
    return OK


def restore(run: Run) -> int:
    """Take takes back from the trash."""
    restored = run.client(start=True).restore(**_takes_or_batch(run))
    run.out.show(restored, saying(f"{number_of(len(restored.takes), 'take')} restored."))
    return OK


def trash(run: Run) -> int:
    """List the trash, or empty it."""
    client = run.client(start=True)
    if run.options.empty:
        emptied = client.empty_trash()
        what = number_of(len(emptied.takes), "take")
        run.out.show(emptied, saying(f"{what} deleted for good, {size(emptied.bytes)} freed."))
    else:
        run.out.show(pages(run, client.trash, "takes"), tables.trash)
    return OK


def query_of(words: Iterable[str]) -> str:
    """Return the query that was typed: `card:"The Fool"` has lost its quotes to the shell and gets them back."""
    return " ".join(_SEVERAL_WORDS.sub(r'\1"\2"', word) if _SEVERAL_WORDS.fullmatch(word) else word for word in words)


def _takes_or_batch(run: Run) -> dict[str, Any]:
    return numbers_or_batch(run.options.what, "takes")
