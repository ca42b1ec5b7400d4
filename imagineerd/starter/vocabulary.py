"""What the starter model knows, in words: pure Python, cheap to import, used to warn about everything else."""

import re
from collections.abc import Container, Iterator

from imagineerd import themes
from imagineerd.starter.concepts import CONCEPTS

CLASSIC = "classic"

THEMES: dict[str, tuple[str, ...]] = {
    "night sky": (
        "night sky", "starry night", "starry sky", "midnight", "celestial", "constellations", "cosmic", "astral",
        "moonlit",
    ),
    "gold on black": ("gold on black", "black and gold", "gold", "golden", "gilded", "gold foil on black"),
    "gothic": ("gothic", "dark cathedral", "dark gothic", "victorian gothic", "haunted", "vampire"),
    "watercolour": ("watercolour", "watercolor", "aquarelle", "watercolour wash", "soft watercolor"),
    "neon": ("neon", "cyberpunk", "synthwave", "neon lights", "retrowave", "vaporwave", "glowing neon"),
    "art nouveau": ("art nouveau", "mucha", "jugendstil", "alphonse mucha", "whiplash curves"),
    "parchment": ("parchment", "aged paper", "old manuscript", "ancient scroll", "medieval", "illuminated manuscript"),
    "royal purple": ("royal purple", "purple", "velvet", "amethyst", "violet", "royal velvet", "royal"),
    "emerald forest": (
        "emerald forest", "forest", "woodland", "green", "moss", "emerald", "enchanted forest", "jungle",
    ),
    "sunset": ("sunset", "dusk", "amber", "orange", "golden hour", "desert sunset", "autumn"),
    "ice": ("ice", "frost", "winter", "snow", "frozen", "glacier", "icy blue", "arctic"),
    "crimson": ("crimson", "ruby", "scarlet", "blood red", "deep red", "burgundy"),
    "pastel": ("pastel", "soft", "candy", "pastel colours", "pastel colors", "dreamy", "cotton candy"),
    "ocean": ("ocean", "sea", "underwater", "teal", "ocean waves", "deep sea", "aquatic", "nautical"),
    "cherry blossom": ("cherry blossom", "sakura", "pink", "spring", "cherry blossoms", "blossom", "floral"),
    "steampunk copper": ("steampunk copper", "steampunk", "copper", "bronze", "brass", "clockwork", "gears"),
    CLASSIC: ("classic", "traditional", "ivory", "plain ivory", "standard"),
}  # fmt: skip

FAMILIES: tuple[str, ...] = tuple(theme for theme in THEMES if theme != CLASSIC)
"""The themes by their first names."""

STYLES: dict[str, tuple[str, ...]] = {
    "engraving": ("engraving", "line art", "engraved", "etching", "ink drawing", "woodcut"),
    "minimal": ("minimal", "flat", "minimalist", "minimalism", "flat design", "simple flat shapes"),
    "vintage": ("vintage", "worn", "antique", "weathered", "retro", "faded"),
    "painted": ("painted", "oil painting", "brush strokes", "painting", "hand painted", "painterly"),
    "ornate": ("ornate", "intricate filigree", "lavishly decorated", "baroque", "filigree", "rococo"),
}

DECORATIONS = (
    "silver stars", "thin gold border", "candlelight", "deep shadows", "gold trim", "moon phases", "fine linework",
    "swirling patterns", "soft glow", "delicate flowers", "ivy", "lanterns", "feathers", "falling petals", "mist",
    "fine constellations", "arches", "gemstones", "lace", "ribbons", "sparkles", "geometric patterns",
)  # fmt: skip
"""What themes are decorated with in prompts; a picture shows it by chance at most."""

SUBJECT_GROUPS = ("54 playing cards", "the 22 trumps of the tarot", "the 12 signs of the zodiac")

SUBJECTS: tuple[str, ...] = tuple(concept.name for concept in CONCEPTS)

KNOWN: dict[str, tuple[str, ...]] = {
    "themes": tuple(word for words in THEMES.values() for word in words),
    "styles": tuple(word for words in STYLES.values() for word in words),
    "subjects": SUBJECTS,
}

# Words that say nothing a picture could miss: grammar, card talk and praise.
_PLAIN_WORDS = (
    "a an and are art artwork as at beautiful beautifully border by card cards deck dark design detail detailed "
    "elegant face for frame from high highly illustration image in intricate intricately is it its joker jokers "
    "light magic majestic major arcana minor mystic mystical of on or picture playing poker portrait print "
    "professional quality sign signs star stars style suit tarot that the their theme themed this to up very with "
    "zodiac number numbers heart diamond club spade 1 2 3 4 5 6 7 8 9 10 fantasy colours colors sharp best "
    "masterpiece "
)
PLAIN_WORDS = frozenset(_PLAIN_WORDS.split())

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _made_up_phrases() -> Iterator[str]:
    for family in themes.FAMILIES:
        yield from (*family.scenes, *family.motifs, *family.lights, *family.hands)


_TAUGHT = (*(phrase for phrases in KNOWN.values() for phrase in phrases), *DECORATIONS, *_made_up_phrases())
_KNOWN_WORDS = PLAIN_WORDS.union(*map(_words, _TAUGHT))


def unknown_words(prompt: str) -> tuple[str, ...]:
    """The words of `prompt` that the model was never taught a meaning for, in order, each once."""
    return tuple(dict.fromkeys(word for word in _words(prompt) if word not in _KNOWN_WORDS))


def without_phrases(prompt: str, known: Container[str]) -> str:
    """Return a prompt without those of its phrases, between commas, that are `known` in lower case."""
    phrases = (phrase.strip() for phrase in prompt.split(","))
    return ", ".join(phrase for phrase in phrases if phrase.lower() not in known)


def known_themes(prompt: str) -> tuple[str, ...]:
    """The theme families that `prompt` names, by any of their synonyms."""
    text = f" {' '.join(_words(prompt))} "
    return tuple(
        family for family in FAMILIES if any(f" {' '.join(_words(phrase))} " in text for phrase in THEMES[family])
    )
