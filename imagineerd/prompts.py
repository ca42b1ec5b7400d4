"""Compose the prompt of every card, and count what CLIP will read of it. Pure: no file, no clock, no torch.

A prompt is `base, theme, row, style` joined by commas, parts without text left out; front words weigh most. The trigger
words of LoRAs stand where `<trigger>` was; those that are missing may be added behind all. CLIP reads 77 tokens, of
which its own two marks are part, and drops the rest without a word: so the rest is shown here before a card is dealt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from imagineerd.errors import Invalid, ModelError, Problem
from imagineerd.jobs import MAX_PROMPT, PromptParts
from imagineerd.sets.library import CardSet, Overrides, Row
from imagineerd.sets.templates import fill, tidy
from imagineerd.triggers import NO_TRIGGERS, Triggers, missing, place

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CLIP_TOKENS = 77
MARKS = 2
"""The tokens that begin and end every prompt; they count among the 77."""

_CLIP_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
LETTERS = 6
"""Never too few for the built-in sets against CLIP's own vocabulary, 6 tokens too many on average."""

_WORDS = re.compile(r"[^\W\d_]+|\d|(?:[^\w\s]|_)+")


class Composed(msgspec.Struct, frozen=True):
    """A prompt, its parts, the placeholders without a column and those with an empty cell.

    `triggers` are the trigger words of its LoRAs, `missing` those that the prompt does not have.
    """

    text: str
    parts: PromptParts
    unresolved: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class TokenSplit(msgspec.Struct, frozen=True):
    """What a text encoder reads of a text: `kept + cut` is the text, `total` counts the marks too.

    `exact` is False where no tokenizer was at hand and the count is a careful estimate.
    """

    total: int
    limit: int
    kept: str
    cut: str
    exact: bool


class PlannedCard(msgspec.Struct, frozen=True):
    """One card as it would be dealt. `duplicate_of` is the index of an earlier row with this prompt."""

    index: int
    name: str
    prompt: Composed
    tokens: TokenSplit
    negative_prompt: str
    overrides: Overrides = Overrides()
    duplicate_of: int | None = None


def compose(card_set: CardSet, row: Row, theme: str, triggers: Triggers = NO_TRIGGERS) -> Composed:
    """Compose a card's prompt. Raises Invalid if it is longer than 2000 characters."""
    filled = fill(card_set.prompt_template, row.values)
    written = (tidy(card_set.base_prompt), tidy(theme), filled.text, tidy(card_set.style_suffix))
    parts = PromptParts(*place(written, triggers.words))
    composed = _with_triggers(_joined(parts.base, parts.theme, parts.row, parts.style), parts, triggers)
    if too_long := _too_long(composed.text):
        raise Invalid([Problem(too_long, card_set.csv_path, row.line)], field="theme")
    return msgspec.structs.replace(composed, unresolved=filled.unresolved, empty=filled.empty)


def compose_single(prompt: str, triggers: Triggers = NO_TRIGGERS) -> Composed:
    """Compose a single prompt, which stays as it is written but for trigger words; otherwise as `compose`."""
    composed = _with_triggers(place([prompt], triggers.words)[0], PromptParts(), triggers)
    if too_long := _too_long(composed.text):
        raise Invalid(message=too_long, field="$.prompt")
    return composed


def _with_triggers(text: str, parts: PromptParts, triggers: Triggers) -> Composed:
    lacks = missing(text, triggers.words)
    if triggers.add and lacks:
        parts = msgspec.structs.replace(parts, trigger=", ".join(lacks))
        return Composed(_joined(text, parts.trigger), parts, triggers=triggers.words)
    return Composed(text, parts, triggers=triggers.words, missing=lacks)


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _too_long(text: str) -> str:
    return f"The prompt has {len(text)} characters: shorten it to {MAX_PROMPT}." if len(text) > MAX_PROMPT else ""


def _no_triggers(_overrides: Overrides) -> Triggers:
    return NO_TRIGGERS


def plan_rows(
    card_set: CardSet,
    theme: str,
    tokenizer: Tokenizer | None = None,
    negative_prompt: str | None = None,
    triggers: Callable[[Overrides], Triggers] = _no_triggers,
) -> tuple[PlannedCard, ...]:
    """Return every card of the set as it would be dealt, in the order of its rows.

    `negative_prompt` takes the place of the set's, a row's own goes before both. `triggers` returns those
    of a row's LoRAs. Raises Invalid with every row whose prompt is too long.
    """
    plain_negative = card_set.negative_prompt if negative_prompt is None else negative_prompt
    first_with: dict[str, int] = {}
    cards: list[PlannedCard] = []
    woken = [(row, triggers(row.overrides)) for row in card_set.rows]
    for row, prompt in _compose_all(card_set, theme, woken):
        own_negative = row.overrides.negative_prompt
        first = first_with.setdefault(prompt.text, row.index)
        cards.append(
            PlannedCard(
                index=row.index,
                name=row.name,
                prompt=prompt,
                tokens=split_tokens(prompt.text, tokenizer),
                negative_prompt=tidy(plain_negative if own_negative is None else own_negative),
                overrides=row.overrides,
                duplicate_of=first if first != row.index else None,
            )
        )
    return tuple(cards)


def warnings(card: PlannedCard) -> tuple[str, ...]:
    """Return what a person should know before this card is dealt, a sentence each."""
    return tuple(_warnings(card))


def count_tokens(text: str, tokenizer: Tokenizer | None = None) -> int:
    """Return the tokens of a text with the two marks; an estimate where there is no tokenizer."""
    return split_tokens(text, tokenizer).total


def split_tokens(text: str, tokenizer: Tokenizer | None = None, limit: int = CLIP_TOKENS) -> TokenSplit:
    """Divide a text after the last token that a text encoder of `limit` tokens reads."""
    starts = _estimated_starts(text) if tokenizer is None else _token_starts(text, tokenizer)
    room = limit - MARKS
    at = starts[room] if len(starts) > room else len(text)
    return TokenSplit(len(starts) + MARKS, limit, text[:at], text[at:], tokenizer is not None)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`, or else CLIP's `vocab.json` and `merges.txt`, from a model's tokenizer folder.

    Raises ModelError where neither is there or can be read.
    """
    from tokenizers import Tokenizer

    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            tokenizer = _clip_tokenizer(folder / "vocab.json", folder / "merges.txt")
    except Exception as error:  # noqa: BLE001 - the library raises no narrower one
        raise ModelError(f'There is no tokenizer to read in "{folder.name}": {error}.') from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _compose_all(card_set: CardSet, theme: str, rows: Iterable[tuple[Row, Triggers]]) -> list[tuple[Row, Composed]]:
    composed: list[tuple[Row, Composed]] = []
    problems: list[Problem] = []
    for row, triggers in rows:
        try:
            composed.append((row, compose(card_set, row, theme, triggers)))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems, field="theme")
    return composed


def _warnings(card: PlannedCard) -> Iterator[str]:
    for name in card.prompt.unresolved:
        yield f'The template\'s "{{{name}}}" has no column.'
    for name in card.prompt.empty:
        yield f'The cell for "{{{name}}}" is empty.'
    if card.tokens.cut:
        about = "" if card.tokens.exact else "about "
        yield (
            f"The prompt has {about}{card.tokens.total} tokens and the model reads "
            f'{card.tokens.limit}; cut: "{card.tokens.cut}".'
        )
    if card.duplicate_of is not None:
        yield f"This is the same prompt as that of card {card.duplicate_of}."


def _token_starts(text: str, tokenizer: Tokenizer) -> list[int]:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    return [start for start, _ in encoding.offsets]


def _estimated_starts(text: str) -> list[int]:
    """Return where the tokens of a text would begin if CLIP cut each word every six letters."""
    return [
        start
        for word in _WORDS.finditer(text)
        for start in range(word.start(), word.end(), LETTERS if word[0].isascii() else 1)
    ]


def _clip_tokenizer(vocab: Path, merges: Path) -> Tokenizer:
    """Build CLIP's byte-level BPE: lower case, its own idea of a word, `</w>` where a word ends."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(
        models.BPE.from_file(
            str(vocab),
            str(merges),
            unk_token="<|endoftext|>",  # noqa: S106 - no password
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return tokenizer
