"""Shapes that the painted scenes are made of, as SVG."""

import math
import random
from itertools import pairwise

WIDTH = 1280
HEIGHT = 720

Point = tuple[float, float]


def seeded(seed: int) -> random.Random:
    """Give a source of chance that always draws the same."""
    return random.Random(seed)  # noqa: S311


def document(inner: str, size: tuple[int, int], units: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """Make an SVG file of `size` pixels whose inside is measured in `units`."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}"'
        f' viewBox="0 0 {units[0]} {units[1]}" preserveAspectRatio="none">{inner}</svg>'
    ).encode()


def polygon(points: list[Point], fill: str, extra: str = "") -> str:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{line}" fill="{fill}" {extra}/>'


def rect(  # noqa: PLR0917
    x: float, y: float, width: float, height: float, fill: str, extra: str = ""
) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        f' fill="{fill}" {extra}/>'
    )


def ellipse(  # noqa: PLR0917
    x: float, y: float, rx: float, ry: float, fill: str, extra: str = ""
) -> str:
    return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{fill}" {extra}/>'


def lines(path: str, stroke: str, width: float) -> str:
    return f'<path d="{path}" stroke="{stroke}" stroke-width="{width}" fill="none"/>'


def downward(name: str, top: str, bottom: str) -> str:
    """A gradient from top to bottom, to be filled in as url(#name)."""
    return (
        f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="0"'
        f' stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/></linearGradient>'
    )


def glow(name: str, colour: str) -> str:
    """A gradient from a bright middle to nothing, to be filled in as url(#name)."""
    stops = "".join(
        f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{alpha}"/>'
        for at, alpha in ((0, 0.9), (0.12, 0.55), (0.4, 0.16), (1, 0))
    )
    return f'<radialGradient id="{name}">{stops}</radialGradient>'


def ridge(seed: int, base: float, rise: float, peaks: list[float], roughness: float) -> list[Point]:
    """Draw a mountain ridge by midpoint displacement through peaks (0 to 1), left to right."""
    rng = seeded(seed)
    heights, spread = list(peaks), 0.16
    while len(heights) < 200:
        between = [(a + b) / 2 + rng.uniform(-spread, spread) for a, b in pairwise(heights)]
        heights = [h for pair in zip(heights, between, strict=False) for h in pair] + heights[-1:]
        spread *= roughness
    step = (WIDTH + 40) / (len(heights) - 1)
    return [(i * step - 20, base - rise * h) for i, h in enumerate(heights)]


def mountain(top: list[Point], fill: str, floor: float) -> str:
    """Fill everything below a ridge."""
    return polygon([(-20, floor), *top, (WIDTH + 20, floor)], fill)


def faces(top: list[Point], seed: int, reach: int, fill: str, alpha: float) -> str:
    """Shade the side of each peak that is turned away from the light."""
    rng = seeded(seed)
    shapes = []
    for i in range(reach, len(top) - reach, 2):
        x, y = top[i]
        if y > min(p[1] for p in top[i - 4 : i + 5]):
            continue
        down = [p for p in top[i : i + reach] if p[1] >= y]
        depth = max(p[1] for p in down) - y
        back = [
            (x + depth * f * rng.uniform(0.1, 0.4), y + depth * (f + 0.15))
            for f in (1.5, 1.1, 0.8, 0.5, 0.25)
        ]
        shapes.append(polygon([*down, *back], fill, f'opacity="{alpha}"'))
    outline = polygon([(-20, HEIGHT), *top, (WIDTH + 20, HEIGHT)], "#000")
    name = f"rock{seed}"
    clip = f'<clipPath id="{name}">{outline}</clipPath>'
    return f'{clip}<g clip-path="url(#{name})">{"".join(shapes)}</g>'


def dimmed(svg: str, red: float, green: float, blue: float) -> str:
    """Draw it as it looks in less light: each channel times its factor."""
    matrix = f"{red} 0 0 0 0 0 {green} 0 0 0 0 0 {blue} 0 0 0 0 0 1 0"
    return (
        '<filter id="dim" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">'
        f'<feColorMatrix values="{matrix}"/></filter><g filter="url(#dim)">{svg}</g>'
    )


def snow(top: list[Point], line: float, seed: int) -> str:
    """Put snow on what rises above a line, frayed at its lower edge."""
    rng = seeded(seed)
    patches: list[list[Point]] = [[]]
    for x, y in top:
        if y < line:
            patches[-1].append((x, y))
        elif patches[-1]:
            patches.append([])
    shapes = []
    for patch in (p for p in patches if len(p) > 4):
        lower = [(x, y + (line - y) * rng.uniform(0.15, 0.95)) for x, y in reversed(patch[1:-1:2])]
        shapes.append(polygon(patch + lower, "#f2f6fb", 'opacity="0.9"'))
    return "".join(shapes)


def fir(x: float, foot: float, height: float, seed: int, colour: str) -> str:
    """Draw a fir of ragged tiers, narrower towards the top."""
    rng = seeded(seed)
    tiers = max(6, int(height / 12))
    sides: tuple[list[Point], list[Point]] = ([], [])
    for i in range(tiers):
        y = foot - height * 0.06 - height * 0.94 * i / tiers
        half = height * 0.2 * (1 - i / tiers) ** 0.85
        for side, sign in zip(sides, (-1, 1), strict=True):
            tip = half * rng.uniform(0.7, 1.2)
            side.extend([(x + sign * tip, y + rng.uniform(-2, 4)), (x + sign * half * 0.45, y - 5)])
    trunk = rect(x - height / 60, foot - height * 0.08, height / 30, height * 0.1, "#3a2b1e")
    return trunk + polygon([*sides[0], (x, foot - height), *reversed(sides[1])], colour)


def leaves(x: float, y: float, size: float, seed: int, colours: list[str]) -> str:
    """Draw the crown of a tree: many overlapping tufts, lighter towards the top left."""
    rng = seeded(seed)
    tufts = []
    for _ in range(int(size * 1.1)):
        angle, far = rng.uniform(0, math.tau), rng.random() ** 0.5
        dx = size * far * rng.uniform(0.9, 1.05) * math.cos(angle)
        dy = size * 0.82 * far * math.sin(angle)
        shade = (dx * 0.4 + dy) / size + rng.uniform(-0.3, 0.3)
        colour = colours[max(0, min(len(colours) - 1, int((0.75 + shade) / 1.5 * len(colours))))]
        tufts.append((shade, ellipse(x + dx, y + dy, size * 0.17, size * 0.14, colour)))
    tufts.sort(reverse=True)
    return "".join(shape for _, shape in tufts)


def window(x: float, y: float, width: float, height: float, frame: str = "#ece6d8") -> str:
    """Draw a dark window with a cross in it."""
    sky = polygon(
        [(x, y + height * 0.8), (x + width * 0.75, y), (x + width, y), (x, y + height)], "#5b7c98"
    )
    return (
        rect(x, y, width, height, "#37526b")
        + sky
        + rect(x, y, width, height, "none", f'stroke="{frame}" stroke-width="2.6"')
        + lines(f"M{x + width / 2} {y}v{height}M{x} {y + height / 2}h{width}", frame, 1.8)
    )


def lit_window(x: float, y: float, width: float, height: float, colour: str = "#ffd37a") -> str:
    """Draw a window with light behind it; needs the glow called "warm"."""
    middle_x, middle_y = x + width / 2, y + height / 2
    return (
        ellipse(middle_x, middle_y, width * 1.9, height * 1.9, "url(#warm)")
        + rect(x, y, width, height, colour)
        + lines(f"M{middle_x} {y}v{height}M{x} {middle_y}h{width}", "#7a4a1c", 1.8)
    )
