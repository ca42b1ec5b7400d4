"""The 22 major arcana: one emblem each, a numeral above and a ribbon below."""

from collections.abc import Callable

import numpy as np

from imagineerd.starter.concepts import NUMERALS
from imagineerd.starter.drawing.canvas import Canvas, Colour, Point, arc, curve, mix, star
from imagineerd.starter.drawing.palettes import Palette
from imagineerd.starter.drawing.suits import SHAPES

X = 192.0
Emblem = Callable[[Canvas, Palette], None]


def draw_major(canvas: Canvas, palette: Palette, number: int) -> None:
    """The whole card face but for paper and frame."""
    EMBLEMS[number](canvas, palette)
    canvas.text((X, 66), NUMERALS[number], 46, palette.accent, bold=2)
    canvas.line([(92, 512), (292, 512)], 6, palette.accent)
    canvas.shape(star((X, 512), 22, 12, 4), palette.accent)


def _crescent(canvas: Canvas, centre: Point, radius: float, colour: Colour) -> None:
    outer = arc(centre, radius, 60, 300, 40)
    inner = arc((centre[0] + radius * 0.5, centre[1]), radius * 0.87, 270, 90, 40)
    canvas.shape(np.concatenate([outer, inner]), colour)


def _infinity(canvas: Canvas, centre: Point, size: float, colour: Colour) -> None:
    t = np.linspace(0, 2 * np.pi, 60)
    points = np.stack([np.cos(t), np.sin(2 * t) * 0.45], axis=1) * size + centre
    canvas.line(points, 15, colour)


def _crown(canvas: Canvas, centre: Point, size: float, colour: Colour) -> None:
    points = [(-1, 0.5), (-1.2, -0.6), (-0.5, -0.05), (0, -0.9), (0.5, -0.05), (1.2, -0.6), (1, 0.5)]
    canvas.shape([(centre[0] + x * size, centre[1] + y * size) for x, y in points], colour)


def _waves(canvas: Canvas, top: float, colour: Colour, rows: int = 3) -> None:
    xs = np.linspace(84, 300, 40)
    for row in range(rows):
        canvas.line(np.stack([xs, top + 30 * row + 8 * np.sin(xs / 16 + row)], axis=1), 10, colour)


def _fool(canvas: Canvas, p: Palette) -> None:
    """A bindle over a cliff, the sun behind."""
    canvas.disc((270, 160), 44, p.accent)
    canvas.shape([(70, 480), (70, 380), (190, 380), (226, 420), (216, 480)], p.line)
    canvas.line([(96, 372), (250, 196)], 16, p.stone)
    canvas.disc((262, 236), (50, 56), p.red)
    canvas.shape([(240, 196), (284, 196), (262, 168)], p.red)


def _magician(canvas: Canvas, p: Palette) -> None:
    """A raised wand under the lemniscate, over a table."""
    _infinity(canvas, (X, 138), 68, p.accent)
    canvas.line([(X, 206), (X, 392)], 24, p.stone)
    canvas.disc((X, 208), 22, p.red)
    canvas.box(84, 396, 300, 424, p.black)
    canvas.line([(108, 424), (108, 482)], 18, p.black)
    canvas.line([(276, 424), (276, 482)], 18, p.black)
    canvas.shape(star((118, 350), 36, 15, 5), p.accent)
    canvas.shape([(244, 318), (296, 318), (276, 362), (290, 392), (250, 392), (264, 362)], p.red)


def _priestess(canvas: Canvas, p: Palette) -> None:
    """A crescent between the dark and the light pillar."""
    for x, fill in ((104, p.black), (280, p.stone)):
        canvas.box(x - 24, 148, x + 24, 462, fill)
        canvas.box(x - 34, 124, x + 34, 150, p.accent)
        canvas.box(x - 34, 460, x + 34, 484, p.accent)
    _crescent(canvas, (X + 6, 300), 52, p.red)


def _empress(canvas: Canvas, p: Palette) -> None:
    """A heart-shaped shield with the sign of Venus, crowned."""
    _crown(canvas, (X, 152), 46, p.accent)
    canvas.shape(SHAPES["Hearts"][0] * 128 + (X, 332), p.red)
    canvas.ring((X, 304), 42, 15, p.light)
    canvas.line([(X, 346), (X, 414)], 15, p.light)
    canvas.line([(X - 32, 382), (X + 32, 382)], 15, p.light)


def _emperor(canvas: Canvas, p: Palette) -> None:
    """The orb with its cross, crowned wide."""
    canvas.disc((X, 376), 104, p.red)
    canvas.box(X - 104, 362, X + 104, 390, p.accent)
    canvas.box(X - 13, 272, X + 13, 366, p.accent)
    canvas.box(X - 14, 132, X + 14, 274, p.stone)
    canvas.box(X - 58, 176, X + 58, 204, p.stone)


def _hierophant(canvas: Canvas, p: Palette) -> None:
    """The triple cross over crossed keys."""
    for dx in (-1, 1):
        canvas.line([(X - 84 * dx, 350), (X + 62 * dx, 462)], 14, p.red)
        canvas.ring((X - 92 * dx, 344), 32, 13, p.red)
    canvas.box(X - 12, 122, X + 12, 486, p.accent)
    for y, half in ((164, 44), (214, 66), (266, 90)):
        canvas.box(X - half, y - 12, X + half, y + 12, p.accent)


def _lovers(canvas: Canvas, p: Palette) -> None:
    """Two joined hearts under a sun."""
    canvas.shape(star((X, 178), 70, 40, 12), p.accent)
    canvas.shape(SHAPES["Hearts"][0] * 84 + (142, 362), p.red)
    canvas.shape(SHAPES["Hearts"][0] * 84 + (246, 392), p.light)
    canvas.shape(SHAPES["Hearts"][0] * 56 + (246, 392), p.black)


def _chariot(canvas: Canvas, p: Palette) -> None:
    """A canopied car on two wheels."""
    canvas.shape([(88, 190), (X, 126), (296, 190)], p.red)
    for x in (112, 272):
        canvas.line([(x, 190), (x, 330)], 14, p.line)
    canvas.shape([(92, 306), (292, 306), (266, 408), (118, 408)], p.accent)
    canvas.shape(star((X, 352), 40, 17, 5), p.red)
    for x in (116, 268):
        canvas.disc((x, 430), 54, p.black)
        canvas.disc((x, 430), 34, p.light)
        canvas.disc((x, 430), 12, p.black)


def _strength(canvas: Canvas, p: Palette) -> None:
    """A lion's head under the lemniscate."""
    _infinity(canvas, (X, 142), 62, p.red)
    canvas.shape(star((X, 338), 138, 104, 12), mix(p.accent, (150, 70, 10), 0.45))
    canvas.disc((X, 342), (82, 88), p.accent)
    ink = mix(p.accent, (20, 10, 0), 0.88)
    for side in (-1, 1):
        canvas.disc((X + 34 * side, 318), 11, ink)
        canvas.line(arc((X + 22 * side, 388), 22, 10, 170), 9, ink)
    canvas.shape([(X - 26, 356), (X + 26, 356), (X, 388)], ink)


def _hermit(canvas: Canvas, p: Palette) -> None:
    """A lantern with a star for its flame."""
    canvas.ring((X, 152), 36, 13, p.line)
    canvas.shape([(116, 232), (X, 176), (268, 232)], p.black)
    canvas.box(122, 232, 262, 440, p.black)
    canvas.box(140, 248, 244, 424, mix(p.ground, p.accent, 0.25))
    canvas.shape(star((X, 336), 62, 26, 6), p.accent)
    canvas.box(106, 440, 278, 474, p.black)


def _wheel(canvas: Canvas, p: Palette) -> None:
    """The wheel of eight spokes."""
    canvas.disc((X, 298), 142, p.accent)
    canvas.disc((X, 298), 114, p.ground)
    for angle in np.radians(np.arange(8) * 45):
        end = (X + 122 * np.cos(angle), 298 + 122 * np.sin(angle))
        canvas.line([(X, 298), end], 13, p.red)
    canvas.disc((X, 298), 38, p.black)
    canvas.disc((X, 298), 18, p.accent)


def _justice(canvas: Canvas, p: Palette) -> None:
    """Scales on an upright sword."""
    canvas.shape([(X - 13, 470), (X - 13, 150), (X, 118), (X + 13, 150), (X + 13, 470)], p.stone)
    canvas.box(76, 196, 308, 216, p.accent)
    for x in (96, 288):
        canvas.line([(x - 40, 338), (x, 208), (x + 40, 338)], 7, p.line)
        canvas.shape(arc((x, 338), (54, 44), 0, 180), p.red)
    canvas.box(X - 50, 430, X + 50, 450, p.accent)


def _hanged(canvas: Canvas, p: Palette) -> None:
    """A man head down from a beam, one leg crossed."""
    canvas.box(80, 122, 304, 148, p.line)
    canvas.box(92, 122, 116, 484, p.line)
    canvas.line([(206, 148), (206, 276)], 17, p.red)
    canvas.line([(206, 276), (254, 240), (206, 214)], 17, p.red)
    canvas.shape([(172, 268), (240, 268), (254, 384), (158, 384)], p.black)
    canvas.disc((206, 424), 58, p.accent)
    canvas.disc((206, 424), 38, p.light)


def _death(canvas: Canvas, p: Palette) -> None:
    """A skull before a scythe."""
    canvas.line([(108, 484), (282, 140)], 16, p.line)
    back = curve((288, 124), (200, 110), (110, 130), (76, 220))
    edge = curve((76, 220), (130, 160), (220, 160), (276, 160))
    canvas.shape(np.concatenate([back, edge]), p.black)
    canvas.disc((X, 322), (88, 84), p.stone)
    canvas.box(X - 50, 380, X + 50, 438, p.stone)
    ink = mix(p.stone, (12, 8, 16), 0.93)
    for side in (-1, 1):
        canvas.disc((X + 38 * side, 326), 24, ink)
        canvas.line([(X + 17 * side, 410), (X + 17 * side, 434)], 7, ink)
    canvas.shape([(X, 352), (X - 14, 380), (X + 14, 380)], ink)


def _temperance(canvas: Canvas, p: Palette) -> None:
    """Water poured from a high cup into a low one."""
    stream = (90, 170, 235)
    canvas.line(curve((160, 222), (236, 230), (232, 300), (236, 388)), 24, stream)
    for (x, y), fill in (((134, 216), p.accent), ((238, 388), p.red)):
        canvas.shape([(x - 56, y - 46), (x + 56, y - 46), (x + 30, y + 26), (x - 30, y + 26)], fill)
        canvas.line([(x, y + 22), (x, y + 66)], 15, fill)
        canvas.line([(x - 36, y + 70), (x + 36, y + 70)], 15, fill)


def _devil(canvas: Canvas, p: Palette) -> None:
    """A horned head with an inverted star."""
    for side in (-1, 1):
        outer = curve((X + 30 * side, 258), (X + 110 * side, 250), (X + 130 * side, 190), (X + 84 * side, 112))
        inner = curve((X + 84 * side, 112), (X + 94 * side, 180), (X + 60 * side, 210), (X + 20 * side, 218))
        canvas.shape(np.concatenate([outer, inner]), p.line)
    canvas.shape([(X - 92, 250), (X + 92, 250), (X + 66, 400), (X, 484), (X - 66, 400)], p.red)
    canvas.shape(star((X, 304), 44, 17, 5, 90), p.accent)
    for side in (-1, 1):
        canvas.shape([(X + 78 * side, 268), (X + 30 * side, 296), (X + 66 * side, 304)], p.light)
    canvas.line(arc((X, 376), (34, 26), 20, 160), 11, p.light)


def _tower(canvas: Canvas, p: Palette) -> None:
    """A battlemented tower struck by lightning."""
    canvas.shape([(116, 484), (130, 222), (238, 222), (252, 484)], p.stone)
    for x in (114, 164, 214):
        canvas.box(x, 176, x + 38, 224, p.stone)
    canvas.box(114, 210, 252, 232, p.stone)
    canvas.shape([(300, 108), (232, 222), (262, 228), (212, 330), (306, 206), (274, 200), (330, 116)], p.accent)
    for x, y in ((166, 300), (202, 380), (166, 440)):
        canvas.box(x - 14, y - 22, x + 14, y + 22, p.black)
    canvas.shape([(116, 176), (128, 128), (148, 156), (164, 112), (180, 176)], p.red)


def _star(canvas: Canvas, p: Palette) -> None:
    """A great eight-pointed star with small ones, over water."""
    canvas.shape(star((X, 266), 124, 46, 8), p.accent)
    canvas.disc((X, 266), 34, p.light)
    for x, y in ((96, 146), (288, 146), (90, 386), (294, 386)):
        canvas.shape(star((x, y), 26, 10, 4), p.light)
    _waves(canvas, 434, (70, 150, 230), 2)


def _moon(canvas: Canvas, p: Palette) -> None:
    """A crescent between two towers."""
    _crescent(canvas, (200, 214), 92, p.accent)
    for x in (98, 286):
        canvas.box(x - 30, 330, x + 30, 484, p.line)
        canvas.shape([(x - 38, 332), (x, 282), (x + 38, 332)], p.red)
    _waves(canvas, 420, p.stone, 2)


def _sun(canvas: Canvas, p: Palette) -> None:
    """A face with sixteen rays."""
    canvas.shape(star((X, 296), 150, 92, 16), p.red)
    canvas.disc((X, 296), 92, p.accent)
    ink = mix(p.accent, (120, 40, 0), 0.85)
    for side in (-1, 1):
        canvas.disc((X + 32 * side, 280), 11, ink)
    canvas.line(arc((X, 304), (42, 38), 25, 155), 11, ink)


def _judgement(canvas: Canvas, p: Palette) -> None:
    """A trumpet with a crossed banner."""
    canvas.line([(278, 138), (152, 376)], 20, p.accent)
    canvas.shape([(164, 346), (196, 364), (168, 484), (84, 438)], p.accent)
    canvas.shape([(262, 196), (312, 224), (312, 372), (184, 338)], p.stone)
    canvas.line([(268, 232), (248, 346)], 18, p.red)
    canvas.line([(216, 296), (306, 310)], 18, p.red)


def _world(canvas: Canvas, p: Palette) -> None:
    """A laurel wreath around the globe."""
    leaf = (86, 164, 76)
    for angle in np.radians(np.arange(0, 360, 20)):
        spot = (X + 116 * np.cos(angle), 300 + 154 * np.sin(angle))
        canvas.disc(spot, 26, leaf)
    canvas.disc((X, 300), 76, (60, 140, 220))
    canvas.shape(curve((140, 268), (150, 230), (240, 226), (226, 286), (170, 320), (140, 300)), p.accent)
    canvas.shape(curve((190, 330), (250, 320), (252, 360), (200, 372)), p.accent)
    for y in (146, 454):
        canvas.disc((X, y), 20, p.red)


EMBLEMS: tuple[Emblem, ...] = (
    _fool, _magician, _priestess, _empress, _emperor, _hierophant, _lovers, _chariot, _strength, _hermit, _wheel,
    _justice, _hanged, _death, _temperance, _devil, _tower, _star, _moon, _sun, _judgement, _world,
)  # fmt: skip
