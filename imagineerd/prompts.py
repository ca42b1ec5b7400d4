"""Compose the prompt of every card, and count what CLIP will read of it. Pure: no file, no clock, no torch.

A prompt is `base, theme, row, style` joined by commas, parts without text left out; front words weigh most. CLIP
reads 77 tokens, of which its own two marks are part, and drops the rest without a word: so the rest is shown here
before a card is dealt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from imagineerd.errors import Invalid, ModelError, Problem
from imagineerd.jobs import MAX_PROMPT, PromptParts
from imagineerd.sets.library import CardSet, Overrides, Row
from imagineerd.sets.templates import fill, tidy

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
    """A prompt, its four parts, the placeholders without a column and those with an empty cell."""

    text: str
    parts: PromptParts
    unresolved: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


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


def compose(card_set: CardSet, row: Row, theme: str) -> Composed:
    """Compose a card's prompt. Raises Invalid if it is longer than 2000 characters."""
    filled = fill(card_set.prompt_template, row.values)
    parts = PromptParts(
        base=tidy(card_set.base_prompt),
        theme=tidy(theme),
        row=filled.text,
        style=tidy(card_set.style_suffix),
    )
    text = ", ".join(part for part in (parts.base, parts.theme, parts.row, parts.style) if part)
    if len(text) > MAX_PROMPT:
        message = f"The prompt has {len(text)} characters: shorten it to {MAX_PROMPT}."
        raise Invalid([Problem(message, card_set.csv_path, row.line)], field="theme")
    return Composed(text, parts, filled.unresolved, filled.empty)


def plan_rows(
    card_set: CardSet,
    theme: str,
    tokenizer: Tokenizer | None = None,
    negative_prompt: str | None = None,
) -> tuple[PlannedCard, ...]:
    """Return every card of the set as it would be dealt, in the order of its rows.

    `negative_prompt` takes the place of the set's, a row's own goes before both. Raises Invalid with every row whose
    prompt is too long.
    """
    plain_negative = card_set.negative_prompt if negative_prompt is None else negative_prompt
    first_with: dict[str, int] = {}
    cards: list[PlannedCard] = []
    for row, prompt in _compose_all(card_set, theme):
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


def _compose_all(card_set: CardSet, theme: str) -> list[tuple[Row, Composed]]:
    composed: list[tuple[Row, Composed]] = []
    problems: list[Problem] = []
    for row in card_set.rows:
        try:
            composed.append((row, compose(card_set, row, theme)))
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
