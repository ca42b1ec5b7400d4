"""Make up a theme for a deck: one palette, what moves in it, its light, and sometimes a hand.

"night sky with silver comets and soft moonlight, vintage print": a theme belongs to one of sixteen families, whose
names the built-in starter model knows, so each theme begins with its family's words. No theme is longer than twelve
words, so that it fits a prompt beside the card.
"""

from __future__ import annotations

import random

import msgspec


class Family(msgspec.Struct, frozen=True):
    """A palette and the words that suit it: `scenes` hold the name, `motifs` live in it, `lights` fall on it.

    `hands` are the styles it can be drawn in; the empty one leaves the style to the model.
    """

    name: str
    scenes: tuple[str, ...]
    motifs: tuple[str, ...]
    lights: tuple[str, ...]
    hands: tuple[str, ...] = (
        "",
        "fine engraving",
        "minimal lines",
        "vintage print",
        "painted texture",
        "ornate detail",
    )

    def size(self) -> int:
        """Return how many themes there are in this family."""
        return len(self.scenes) * len(self.motifs) * len(self.lights) * len(self.hands)

    def theme(self, number: int) -> str:
        """Return the theme of this number, from 0 to `size() - 1`; each is another text."""
        number, scene = divmod(number, len(self.scenes))
        number, motif = divmod(number, len(self.motifs))
        hand, light = divmod(number, len(self.lights))
        text = f"{self.scenes[scene]} with {self.motifs[motif]} and {self.lights[light]}"
        return f"{text}, {self.hands[hand]}" if self.hands[hand] else text


FAMILIES = (
    Family(
        "night sky",
        scenes=("night sky",),
        motifs=(
            "silver constellations",
            "drifting comets",
            "a crescent moon",
            "scattered stars",
            "silver clouds",
            "falling stars",
            "white moths",
            "distant planets",
        ),
        lights=(
            "soft moonlight",
            "faint starlight",
            "a gold border",
            "dark blue shadows",
            "a silver edge",
            "pale mist",
        ),
    ),
    Family(
        "gold on black",
        scenes=("gold on black",),
        motifs=(
            "sun rays",
            "moon phases",
            "laurel wreaths",
            "coiled snakes",
            "fine filigree",
            "key patterns",
            "golden stars",
            "folded wings",
        ),
        lights=(
            "bright edges",
            "warm candlelight",
            "a thin border",
            "gleaming foil",
            "deep shadows",
            "a soft glow",
        ),
    ),
    Family(
        "gothic",
        scenes=("gothic arches", "gothic windows"),
        motifs=(
            "black ravens",
            "climbing roses",
            "stone gargoyles",
            "iron thorns",
            "old candles",
            "bare branches",
            "stained glass",
            "carved skulls",
        ),
        lights=(
            "cold moonlight",
            "flickering candlelight",
            "deep grey shadows",
            "drifting fog",
            "a carved frame",
            "a red glow",
        ),
    ),
    Family(
        "watercolour",
        scenes=("watercolour washes", "loose watercolour"),
        motifs=(
            "wild flowers",
            "small birds",
            "green ferns",
            "blue hills",
            "drifting leaves",
            "soft clouds",
            "garden herbs",
            "ripe berries",
        ),
        lights=(
            "bleeding edges",
            "white paper",
            "pale morning light",
            "splashed colour",
            "thin ink lines",
            "gentle shadows",
        ),
        hands=("", "minimal lines", "vintage print", "painted texture", "ornate detail"),
    ),
    Family(
        "neon",
        scenes=("neon lights", "neon city"),
        motifs=(
            "glowing outlines",
            "rainy streets",
            "electric signs",
            "palm trees",
            "laser grids",
            "pink lightning",
            "arcade shapes",
            "glass towers",
        ),
        lights=(
            "a violet haze",
            "wet reflections",
            "deep black shadows",
            "a cyan glow",
            "hot pink edges",
            "midnight blue",
        ),
        hands=("", "minimal lines", "vintage print", "painted texture", "ornate detail"),
    ),
    Family(
        "art nouveau",
        scenes=("art nouveau", "art nouveau curves"),
        motifs=(
            "water lilies",
            "peacock feathers",
            "flowing hair",
            "long vines",
            "white irises",
            "dragonfly wings",
            "poppy stems",
            "swan necks",
        ),
        lights=(
            "muted gold",
            "soft green tones",
            "a curved frame",
            "warm amber light",
            "a mosaic border",
            "ivory tones",
        ),
    ),
    Family(
        "parchment",
        scenes=("old parchment", "worn parchment"),
        motifs=(
            "faded maps",
            "brown ink drawings",
            "pressed flowers",
            "wax seals",
            "compass roses",
            "curling letters",
            "herb sketches",
            "sea monsters",
        ),
        lights=(
            "burnt edges",
            "warm candlelight",
            "sepia shadows",
            "a ruled border",
            "soft stains",
            "a golden tint",
        ),
    ),
    Family(
        "royal purple",
        scenes=("royal purple", "royal purple velvet"),
        motifs=(
            "silver crowns",
            "golden lilies",
            "heraldic lions",
            "pearl strings",
            "silk ribbons",
            "amethyst stones",
            "gold tassels",
            "crossed sceptres",
        ),
        lights=(
            "rich shadows",
            "a gold border",
            "warm torchlight",
            "a violet glow",
            "a silver trim",
            "soft sheen",
        ),
    ),
    Family(
        "emerald forest",
        scenes=("emerald forest", "dark emerald forest"),
        motifs=(
            "tall ferns",
            "white stags",
            "mossy stones",
            "twisted roots",
            "hidden foxes",
            "ivy leaves",
            "glowing mushrooms",
            "old oaks",
        ),
        lights=(
            "golden sunbeams",
            "morning mist",
            "deep green shadows",
            "firefly light",
            "a leafy border",
            "cool shade",
        ),
    ),
    Family(
        "sunset",
        scenes=("sunset sky", "desert sunset"),
        motifs=(
            "orange clouds",
            "flying geese",
            "long shadows",
            "dark hills",
            "palm shadows",
            "a low sun",
            "sailing boats",
            "tall grass",
        ),
        lights=(
            "warm amber light",
            "a pink haze",
            "glowing edges",
            "purple shadows",
            "golden dust",
            "a burning horizon",
        ),
    ),
    Family(
        "ice",
        scenes=("blue ice", "clear ice"),
        motifs=(
            "frost flowers",
            "snow crystals",
            "frozen waves",
            "white wolves",
            "sharp icicles",
            "silver pines",
            "snow owls",
            "cracked glass",
        ),
        lights=(
            "pale winter light",
            "a silver border",
            "cold blue shadows",
            "northern lights",
            "white mist",
            "glittering edges",
        ),
    ),
    Family(
        "crimson",
        scenes=("crimson silk", "crimson velvet"),
        motifs=(
            "dark roses",
            "gold thread",
            "red feathers",
            "burning candles",
            "folded curtains",
            "iron keys",
            "pomegranate seeds",
            "masked dancers",
        ),
        lights=(
            "warm firelight",
            "deep red shadows",
            "a gold border",
            "black edges",
            "a ruby glow",
            "low light",
        ),
    ),
    Family(
        "pastel",
        scenes=("pastel clouds", "soft pastel"),
        motifs=(
            "paper stars",
            "spring flowers",
            "sugar sweets",
            "little moons",
            "gentle rabbits",
            "rainbow ribbons",
            "feather shapes",
            "round balloons",
        ),
        lights=(
            "a cream border",
            "pale pink light",
            "mint shadows",
            "a soft glow",
            "powder blue",
            "gentle sunshine",
        ),
    ),
    Family(
        "ocean",
        scenes=("ocean waves", "deep ocean"),
        motifs=(
            "silver fish",
            "coral branches",
            "white shells",
            "great whales",
            "sea turtles",
            "drifting jellyfish",
            "sunken ships",
            "pearl divers",
        ),
        lights=(
            "turquoise light",
            "deep blue shadows",
            "white foam",
            "rippling sunlight",
            "a rope border",
            "a pearl sheen",
        ),
    ),
    Family(
        "cherry blossom",
        scenes=("cherry blossom", "spring cherry blossom"),
        motifs=(
            "falling petals",
            "paper lanterns",
            "white cranes",
            "wooden bridges",
            "silk fans",
            "small sparrows",
            "quiet ponds",
            "distant mountains",
        ),
        lights=(
            "pale pink light",
            "morning mist",
            "soft grey ink",
            "a bamboo frame",
            "evening glow",
            "gentle rain",
        ),
    ),
    Family(
        "steampunk copper",
        scenes=("steampunk copper",),
        motifs=(
            "brass gears",
            "clock faces",
            "steam pipes",
            "riveted plates",
            "glass bulbs",
            "winding springs",
            "flying machines",
            "pressure dials",
        ),
        lights=(
            "warm lamplight",
            "drifting steam",
            "a riveted border",
            "oily shadows",
            "green patina",
            "glowing sparks",
        ),
    ),
)
"""The sixteen families. The starter model was trained on these palettes by these names."""


def random_theme(seed: int | None = None) -> str:
    """Return a theme; the same seed returns the same one, None any."""
    return themes(1, seed)[0]


def themes(count: int, seed: int | None = None) -> tuple[str, ...]:
    """Return that many different themes, from all families by turns before any comes again.

    Raises ValueError if `count` is below 0 or above what the smallest family allows by turns.
    """
    most = len(FAMILIES) * min(family.size() for family in FAMILIES)
    if not 0 <= count <= most:
        raise ValueError(f"There can be 0 to {most} different themes, not {count}.")
    rng = random.Random(seed)  # noqa: S311 - a theme is no secret
    families = rng.sample(FAMILIES, len(FAMILIES))
    turns = -(-count // len(FAMILIES))
    numbers = [rng.sample(range(family.size()), turns) for family in families]
    in_turn = [family.theme(own[turn]) for turn in range(turns) for family, own in zip(families, numbers, strict=True)]
    return tuple(in_turn[:count])
