"""Writes training prompts for a picture: as the sets compose them, or short and varied as people type."""

import csv
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml

from imagineerd.starter.concepts import CONCEPTS, NUMERALS, PIP_RANKS, Concept
from imagineerd.starter.pictures import Label
from imagineerd.starter.prose import manual_words, other_words
from imagineerd.starter.vocabulary import CLASSIC, DECORATIONS, STYLES, THEMES
from imagineerd.themes import FAMILIES

SETS = Path(__file__).parents[2] / "sets"
DROP_SHARE = 0.1  # prompts replaced by an empty or a negative one, for classifier-free guidance
SECOND_SHARE = 0.06  # of the prompts that are worded by hand name a second theme, which is not the card's

FILLERS = (
    "a majestic playing card", "a beautiful card", "card design", "card face", "front view", "intricate detail",
    "highly detailed", "rich detail", "clean lines", "crisp print", "masterpiece", "best quality", "elegant",
    "4k", "8k", "sharp focus", "symmetrical", "soft lighting", "dramatic lighting", "professional illustration",
    "digital art", "trending on artstation", "fine ornamental border", "balanced design", "fantasy art", "mystical",
    "collectible card", "high resolution", "printed on thick paper", "concept art", "centered composition",
    "with a decorative border", "dragons", "a cat", "mountains in the distance", "by a famous artist", "surreal",
    "vivid", "epic", "cinematic",
)  # fmt: skip
HANDS = {
    "engraving": "fine engraving", "minimal": "minimal lines", "vintage": "vintage print", "painted": "painted texture",
    "ornate": "ornate detail",
}  # fmt: skip
SECOND_PLACES = ("touches of {}", "{} accents", "hints of {}", "{} details", "a little {}")


@dataclass(frozen=True)
class Deck:
    """One built-in set: its fixed words and, per concept name, its filled-in row."""

    base: str
    suffix: str
    negative: str
    rows: dict[str, str]


def read_decks(folder: Path = SETS) -> list[Deck]:
    """The sets that the prompts must match; an unknown card's row is left out."""
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return [_deck(entry, folder) for entry in config.values()]


def _deck(entry: dict[str, str], folder: Path) -> Deck:
    known = {concept.name for concept in CONCEPTS}
    with (folder / entry["csv_path"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    filled = {row.get("name") or row["sign"]: entry["prompt_template"].format(**row) for row in rows}
    rows_known = {name: text for name, text in filled.items() if name in known}
    return Deck(entry["base_prompt"], entry["style_suffix"], entry["negative_prompt"], rows_known)


def compose(deck: Deck, theme: str, row: str) -> str:
    """A dealt prompt, in the daemon's order."""
    return ", ".join(part for part in (deck.base, theme, row, deck.suffix) if part)


class PromptWriter:
    """Draws a fresh prompt for a picture every time."""

    def __init__(
        self, decks: list[Deck], rng: Random, drop_share: float = DROP_SHARE, second_share: float = SECOND_SHARE
    ) -> None:
        self.decks, self.rng = decks, rng
        self.drop_share, self.second_share = drop_share, second_share
        self.concepts = {concept.name: concept for concept in CONCEPTS}

    def write(self, label: Label) -> str:
        """Full-length and short prompts equally often; `drop_share` of them say nothing about the card."""
        if self._chance(self.drop_share):
            return self._nothing()
        return self._dealt(label) if self._chance(0.5) else self._typed(label)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _nothing(self) -> str:
        if self._chance(0.5):
            return ""
        parts = self.rng.choice(self.decks).negative.split(", ")
        return ", ".join(parts if self._chance(0.5) else self._some(parts, len(parts)))

    def _dealt(self, label: Label) -> str:
        deck = next(deck for deck in self.decks if label.concept in deck.rows)
        row = deck.rows[label.concept] if self._chance(0.8) else self._own_row(label.concept)
        return compose(deck, ", ".join(self._theme_words(label)), row)

    def _own_row(self, name: str) -> str:
        """As from a user's own set: the card's name and words that the model was never taught."""
        words = self.rng.sample(other_words(), self.rng.randint(3, 14))
        return f"{self.spoken(self.concepts[name])}, {' '.join(words)}"

    def _typed(self, label: Label) -> str:
        parts = [self.spoken(self.concepts[label.concept]), *self._theme_words(label), *self._some(FILLERS, 3)]
        if self._chance(0.25):
            parts.append(" ".join(self.rng.sample(other_words(), self.rng.randint(1, 5))))
        if self._chance(0.7):
            self.rng.shuffle(parts)
        return self.rng.choice((", ", ", ", " ")).join(parts)

    def _theme_words(self, label: Label) -> list[str]:
        """Theme and style in some order, then what decorates them; or a theme as the daemon makes them up."""
        if label.theme != CLASSIC and self._chance(0.25):
            return [self._made_up(label)]
        words = []
        if label.theme != CLASSIC or self._chance(0.4):
            words.append(self.rng.choice(THEMES[label.theme]))
        if label.style:
            words.append(self.rng.choice(STYLES[label.style]))
        self.rng.shuffle(words)
        return self._decorate(words, label) if words else words

    def _made_up(self, label: Label) -> str:
        family = next(family for family in FAMILIES if family.name == label.theme)
        motif, light = self.rng.choice(family.motifs), self.rng.choice(family.lights)
        text = f"{self.rng.choice(family.scenes)} with {motif} and {light}"
        return f"{text}, {HANDS[label.style]}" if label.style else text

    def _decorate(self, words: list[str], label: Label) -> list[str]:
        if self._chance(0.3):
            words[-1] += self.rng.choice((" with ", " and ", ", ")) + self.rng.choice(DECORATIONS)
        if label.theme != CLASSIC and self._chance(self.second_share):
            other = self.rng.choice(THEMES[self.rng.choice([t for t in THEMES if t != CLASSIC])])
            words.append(self.rng.choice(SECOND_PLACES).format(other))
        return words

    def spoken(self, concept: Concept) -> str:
        """The card's name in one of the ways people write it."""
        match concept.kind:
            case "pip" | "court":
                return self._suit_card(concept)
            case "joker":
                return self.rng.choice((concept.name, f"{concept.name} card", f"the {concept.name}"))
            case "major":
                return self._major(concept)
            case "sign":
                ways = ("{}", "{} zodiac sign", "zodiac {}", "{} sign", "the sign of {}", "{} zodiac card")
                return self.rng.choice(ways).format(concept.name)

    def _suit_card(self, concept: Concept) -> str:
        rank = concept.rank
        if concept.rank in PIP_RANKS[1:] and self._chance(0.2):
            rank = str(concept.number)
        ways = ("{} of {}", "the {} of {}", "{} of {} playing card", "{} of {} card")
        return self.rng.choice(ways).format(rank, concept.suit)

    def _major(self, concept: Concept) -> str:
        name = concept.name if self._chance(0.75) else concept.name.removeprefix("The ")
        numeral = NUMERALS[concept.number]
        ways = ("{0}", "{0}", "{0} tarot card", "tarot {0}", "{1} {0}", "{0}, tarot card {1}", "{0} major arcana")
        return self.rng.choice(ways).format(name, numeral)

    def _some(self, words: tuple[str, ...] | list[str], most: int) -> list[str]:
        return self.rng.sample(list(words), self.rng.randint(0, most))


def corpus(decks: list[Deck], labels: list[Label], seed: int = 0) -> list[str]:
    """Text to learn the tokens from: a few prompts for every picture, and some plain English."""
    writer = PromptWriter(decks, Random(seed))  # noqa: S311
    return [writer.write(label) for label in labels for _ in range(4)] + manual_words()
