"""A palette for every theme."""

from dataclasses import dataclass

from imagineerd.starter.drawing.canvas import Colour, mix

MIDDLE_GREY = 330  # sum of red, green and blue


@dataclass(frozen=True)
class Palette:
    """`top` to `bottom` is the paper; `red` and `black` are the suits' colours; `light` is skin, bone and cloth."""

    top: Colour
    bottom: Colour
    line: Colour
    accent: Colour
    red: Colour
    black: Colour
    light: Colour

    @property
    def ground(self) -> Colour:
        """The paper's middle colour."""
        return mix(self.top, self.bottom, 0.5)

    @property
    def dark(self) -> bool:
        """Whether the paper is darker than middle grey."""
        return sum(self.ground) < MIDDLE_GREY

    @property
    def stone(self) -> Colour:
        """Pale walls, bones and blades, kept apart from pale paper."""
        return self.light if self.dark else mix(self.light, self.line, 0.45)

    def suit(self, *, red: bool) -> Colour:
        """The colour of a red or a black suit."""
        return self.red if red else self.black


def _of(colours: str) -> Palette:
    """Seven hexadecimal colours, in the palette's order."""
    parsed = [bytes.fromhex(colour) for colour in colours.split()]
    return Palette(*((r, g, b) for r, g, b in parsed))


PALETTES: dict[str, Palette] = {
    "classic": _of("fcf7ea f3e9d2 785c34 ce9e3c cc1c28 1a1a24 ffecd2"),
    "night sky": _of("0a0e34 362876 bec8f5 fcde80 ff5c6c e2eaff fff6e0"),
    "gold on black": _of("0c0a0a 1a1612 cea03c f0c254 e22828 fce28c ffeeba"),
    "gothic": _of("3e3c4a 100e18 9694a6 b02c42 e22034 ced0de e8e2d8"),
    "watercolour": _of("fdfbf7 f6f6fa 6882aa f2b05c de3e58 2c427c ffecd8"),
    "neon": _of("0e0622 2e0642 00ecff ffdc3c ff2c8c 46ffaa f4f0ff"),
    "art nouveau": _of("f3e6c4 e2cea0 58683e cc923c b63e2e 284442 fdecd0"),
    "parchment": _of("ead49c ccac6e 623e1e a66a28 a0201a 362416 fae8be"),
    "royal purple": _of("622496 300e5c e4bc5c fad260 ff708e ded6ff ffeede"),
    "emerald forest": _of("12683e 062c1e ccb862 ecd060 ff7454 cef4c4 faf0d4"),
    "sunset": _of("ffd06e ec645c 681e42 ffec96 b0082c 381642 fff0d0"),
    "ice": _of("ecf8ff a4d0f0 427eb4 6eb0de d62c5c 123878 fcfdff"),
    "crimson": _of("ac1424 5c0614 ecbc64 f8d070 ffbcac 16040a ffead6"),
    "pastel": _of("ffe4ee daeaff ac92ce ffc28c f2688a 6868b6 fffaf4"),
    "ocean": _of("1a96a8 042e60 b0ece6 fcd88c ff8070 dcf8fa f8f6e6"),
    "cherry blossom": _of("fff2f6 fad0de 9c4c60 ee84a2 d81a50 522a3e fffaf8"),
    "steampunk copper": _of("623e2a 301e18 d68c50 f4c270 fa5c34 f4e2ba fae8cc"),
}

LINE_ART = _of("ffffff fafafa 141414 5a5a5a 3c3c3c 0f0f0f f5f5f5")
