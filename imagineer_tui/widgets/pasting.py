"""What is pasted into a line or a paragraph has no lines of its own."""

from __future__ import annotations


def unbroken(text: str) -> str:
    """Return a text with its lines joined by spaces; Textual would take the first one alone, or keep them all."""
    lines = [line.replace("\t", " ") for line in text.splitlines() if line.strip()]
    return " ".join(map(str.strip, lines)) if len(lines) > 1 else "".join(lines)
