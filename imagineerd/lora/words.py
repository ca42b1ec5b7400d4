"""The words that wake a LoRA: its trigger phrase and the tags of the captions it was trained on, from its metadata.

`modelspec.trigger_phrase` is the author's word. `ss_tag_frequency` is what sd-scripts counted: a JSON text
{folder: {tag: count}}, the captions split at commas. Where captions were sentences, their words are counted instead,
as A1111 does it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import msgspec

TOP_TAGS = 24
"""Tags that are kept, as many as A1111 shows."""
SENTENCE = 16
"""Characters from which on the mean tag counts as a sentence."""
MAX_TAG = 100
"""Characters of a tag that are kept."""
MAX_PHRASE = 2000
"""Characters of a trigger phrase that are kept."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What no foreign text may carry to a terminal or a client: control characters and halves of characters."""
_WORD = re.compile(r"\w{3,}")
_decode_counts = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


def one_line(text: str, limit: int) -> str:
    """Return foreign text as it can be shown anywhere: on one line, without control characters, `limit` at most."""
    return " ".join(CONTROL.sub(" ", text[: 2 * limit]).split())[:limit]


def trigger_phrase(metadata: Mapping[str, str]) -> str:
    """Return the author's trigger words in one line, empty where the file names none."""
    return one_line(metadata.get("modelspec.trigger_phrase", ""), MAX_PHRASE)


def top_tags(metadata: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Return the most frequent tags with their counts, most frequent first, equal ones by name.

    What cannot be read counts as absent: it is a hint, not a part of the LoRA.
    """
    try:
        folders = _decode_counts(metadata.get("ss_tag_frequency", "{}"))
    except (msgspec.DecodeError, RecursionError):
        return ()
    counts: Counter[str] = Counter()
    for folder in folders.values():
        counts.update(folder)
    if counts and sum(map(len, counts)) >= SENTENCE * len(counts):
        counts = _words(counts)
    least = sorted(counts.values())[-TOP_TAGS:][:1]
    frequent = [(one_line(tag, MAX_TAG), count) for tag, count in counts.items() if [count] >= least]
    frequent.sort(key=lambda item: (-item[1], item[0]))
    return tuple((tag, count) for tag, count in frequent[:TOP_TAGS] if tag)


def _words(sentences: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for sentence, count in sentences.items():
        for word in _WORD.findall(sentence.lower()):
            counts[word] += count
    return counts
