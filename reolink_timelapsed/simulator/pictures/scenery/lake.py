"""A lake among mountains: a village beyond it, a hut and a jetty on this side, boats, birds."""

import math
from typing import Final

from reolink_timelapsed.simulator.pictures.scenery.brush import (
    HEIGHT,
    WIDTH,
    downward,
    ellipse,
    faces,
    fir,
    lines,
    lit_window,
    mountain,
    polygon,
    rect,
    ridge,
    seeded,
    snow,
    window,
)
from reolink_timelapsed.simulator.pictures.scenery.stage import WARM, Mover, Scene

_SHORE: Final = 440.0


def _lake_far() -> str:
    back = ridge(5, 380, 280, [0.25, 0.5, 0.88, 0.45, 0.62, 0.5, 0.98, 0.6, 0.75, 0.3], 0.6)
    middle = ridge(23, 402, 170, [0.75, 0.4, 0.3, 0.55, 0.35, 0.2, 0.45, 0.3, 0.8, 0.95], 0.55)
    front = ridge(11, 434, 84, [0.5, 0.6, 0.4, 0.35, 0.5, 0.75, 0.6, 0.7, 0.5, 0.6], 0.5)
    defs = (
        downward("m1", "#6f86a8", "#b9cada")
        + downward("m2", "#4d6c80", "#93aeb6")
        + downward("m3", "#38603f", "#739768")
    )
    return (
        f"<defs>{defs}</defs>"
        + mountain(back, "url(#m1)", _SHORE)
        + snow(back, 236, 3)
        + faces(back, 8, 26, "#2e4670", 0.34)
        + mountain(middle, "url(#m2)", _SHORE)
        + faces(middle, 9, 22, "#22404c", 0.28)
        + mountain(front, "url(#m3)", _SHORE)
        + _woods()
        + _village()
    )


def _woods() -> str:
    """A row of far firs along the shore."""
    rng = seeded(31)
    points = [(-20.0, _SHORE)]
    for i in range(200):
        x = i * 7 - 20.0
        swell = 0.6 + 0.4 * math.sin(x / 97 + 31) * math.sin(x / 41)
        points += [(x, _SHORE - 4), (x + 3.5, _SHORE - rng.uniform(9, 30) * swell)]
    return polygon([*points, (WIDTH + 100, _SHORE)], "#264831")


def _village() -> str:
    """White houses and a steeple on the far shore."""
    rng = seeded(4)
    houses = []
    for i in range(9):
        x, width = 742 + i * 15 + rng.uniform(-3, 3), rng.uniform(9, 13)
        y = _SHORE - 10 + rng.uniform(-3, 2)
        houses.append(rect(x, y, width, 9, "#f0e9dc"))
        roof = [(x - 1, y), (x + width / 2, y - 6), (x + width + 1, y)]
        houses.append(polygon(roof, rng.choice(["#a4503c", "#8d4636"])))
    steeple = rect(806, _SHORE - 27, 6, 24, "#efe6d6")
    tip = polygon([(805, _SHORE - 27), (809, _SHORE - 46), (813, _SHORE - 27)], "#7a3f33")
    return "".join(houses) + steeple + tip


def _village_lights() -> str:
    rng = seeded(4)
    places = [
        (738 + i * 11 + rng.uniform(-3, 3), _SHORE - 5 - rng.uniform(0, 7)) for i in range(14)
    ]
    return WARM + "".join(
        ellipse(x, y, 10, 10, "url(#warm)") + ellipse(x, y, 1.5, 1.5, "#ffe3a0") for x, y in places
    )


def _lake_water() -> str:
    rng = seeded(77)
    streaks = []
    for _ in range(420):
        depth = rng.random() ** 1.6
        reach = 18 + depth * 130 * rng.random() + 10
        x, y = rng.uniform(-60, WIDTH + 60), _SHORE + 3 + depth * 240
        colour = rng.choice(["#ffffff", "#dfeefc", "#0c2a44", "#0a2238"])
        alpha = f'opacity="{rng.uniform(0.03, 0.14):.2f}"'
        streaks.append(ellipse(x, y, reach, 0.7 + depth * 1.7, colour, alpha))
    return "".join(streaks)


def _bank(x: float) -> float:
    """The near shore's edge: high at the sides, low in the middle."""
    left, right = math.exp(-(((x - 40) / 300) ** 2)), math.exp(-(((x - 1270) / 260) ** 2))
    return 668 - 62 * left - 34 * right + 3 * math.sin(x / 23)


def _lake_near() -> str:
    edge = [(float(x), _bank(x)) for x in range(-20, WIDTH + 41, 20)]
    defs = downward("bank", "#6f9148", "#37541f") + downward("hut", "#8a5f3d", "#6b462b")
    firs = [
        (24, 630, 350, "#1f3d2a"),
        (92, 640, 262, "#25472f"),
        (1258, 660, 392, "#1c3826"),
        (1186, 668, 282, "#234530"),
        (1128, 674, 176, "#2c5238"),
    ]
    return (
        f"<defs>{defs}</defs>"
        + _jetty()
        + polygon([(-20, HEIGHT + 20), *edge, (WIDTH + 40, HEIGHT + 20)], "url(#bank)")
        + _hut(196, 626)
        + "".join(fir(x, y, h, int(x), c) for x, y, h, c in firs)
        + _grass()
        + _flowers()
    )


def _grass() -> str:
    rng = seeded(9)
    colours = ["#86a955", "#5c7f38", "#a3bd6b", "#4b6d2d", "#c3c877"]
    blades = []
    for _ in range(1300):
        x = rng.uniform(0, WIDTH)
        y = _bank(x) + rng.uniform(2, HEIGHT - _bank(x) + 10)
        length = 7 + (y - 590) * 0.13 + rng.uniform(0, 7)
        lean = rng.uniform(-6, 6)
        blades.append(
            f'<path d="M{x:.0f} {y:.0f}q{lean / 3:.1f} {-length * 0.6:.1f} {lean:.1f}'
            f' {-length:.1f}" stroke="{rng.choice(colours)}"/>'
        )
    return f'<g fill="none" stroke-width="2" stroke-linecap="round">{"".join(blades)}</g>'


def _flowers() -> str:
    rng = seeded(21)
    dots = []
    for _ in range(120):
        x = rng.uniform(0, WIDTH)
        y, size = rng.uniform(_bank(x) + 10, HEIGHT), rng.uniform(1.4, 3.2)
        dots.append(ellipse(x, y, size, size, rng.choice(["#f4f1e4", "#f2cf4a", "#d9577a"])))
    return "".join(dots)


def _jetty() -> str:
    """A jetty that runs out into the lake, with planks and posts."""
    shapes = [polygon([(552, 716), (690, 716), (742, 566), (706, 566)], "#8c7355")]
    for i in range(17):
        part = (i / 17) ** 1.25
        y = 566 + 150 * part
        path = f"M{706 - 154 * part:.1f} {y:.1f}L{742 - 52 * part:.1f} {y:.1f}"
        shapes.append(lines(path, "#5e4a34", round(0.8 + 1.8 * part, 1)))
    for part in (0.0, 0.22, 0.55):
        y, size = 566 + 150 * part, 3.4 + 4 * part
        shapes += [
            rect(x - size / 2, y - 22 - 14 * part, size, 36 + 30 * part, "#54412d")
            for x in (706 - 154 * part, 742 - 52 * part)
        ]
    return "".join(shapes)


def _hut(x: float, foot: float) -> str:
    """A log hut with a chimney and two windows."""
    logs = "".join(f"M{x} {foot - 8 * i}h128" for i in range(1, 9))
    roof = [(x - 18, foot - 68), (x + 26, foot - 126), (x + 102, foot - 126), (x + 146, foot - 68)]
    return (
        rect(x + 84, foot - 152, 16, 40, "#7b6a5e")
        + rect(x, foot - 70, 128, 74, "url(#hut)")
        + lines(logs, "#553721", 1.6)
        + rect(x, foot - 70, 128, 12, "#2c1c10", 'opacity="0.45"')
        + polygon(roof, "#565d62")
        + lines(
            f"M{x - 8} {foot - 82}h144M{x + 2} {foot - 96}h124M{x + 13} {foot - 110}h102",
            "#484e52",
            2,
        )
        + rect(x + 24, foot - 129, 80, 5, "#3b4044")
        + window(x + 14, foot - 52, 30, 26)
        + window(x + 84, foot - 52, 30, 26)
        + rect(x + 54, foot - 50, 22, 54, "#3f2a1a")
    )


def _lake_lamps() -> str:
    """The hut's windows and a lantern on the jetty."""
    return (
        WARM
        + lit_window(210, 574, 30, 26)
        + lit_window(280, 574, 30, 26)
        + ellipse(260, 650, 170, 30, "url(#warm)", 'opacity="0.5"')
        + ellipse(706, 540, 60, 60, "url(#warm)")
        + ellipse(706, 540, 3.2, 3.2, "#fff0c4")
        + ellipse(690, 610, 46, 40, "url(#warm)", 'opacity="0.4"')
    )


def _sailing_boat() -> str:
    hull = '<path d="M20 92h78l-14 14H34z" fill="#f5f1e6"/>'
    hull += '<path d="M23 97h71l-3 3H26z" fill="#b8372f"/>'
    sails = '<path d="M62 10v76H26C40 66 54 42 62 10z" fill="#fffaf0"/>'
    sails += '<path d="M66 22c14 20 22 42 26 64H66z" fill="#f3e3c3"/>'
    mirror = f'<g transform="translate(0 212) scale(1 -1)" opacity="0.22">{hull}{sails}</g>'
    return mirror + rect(62.6, 4, 2.4, 90, "#6b4a30") + sails + hull


def _ferry() -> str:
    """A lit ferry for the dark hours."""
    ports = "".join(rect(26 + i * 9, 24, 5, 4, "#ffd98a") for i in range(11))
    return (
        WARM
        + ellipse(75, 48, 62, 9, "url(#warm)", 'opacity="0.6"')
        + '<path d="M10 32h130l-12 12H22z" fill="#1b2436"/>'
        + rect(22, 20, 106, 12, "#263248")
        + ports
        + ellipse(120, 14, 12, 12, "url(#warm)")
    )


def _birds() -> str:
    places = [(60, 8), (46, 16), (74, 15), (32, 25), (88, 23), (18, 35), (102, 31)]
    wings = "".join(
        f'<path d="M{x - 7} {y - 2}q4 -4 7 1q3 -5 7 -1q-4 -1 -7 3q-3 -4 -7 -3z"/>'
        for x, y in places
    )
    return f'<g fill="#222a33">{wings}</g>'


def lake() -> Scene:
    """A lake among mountains."""
    boat, ferry, flight = _sailing_boat(), _ferry(), _birds()
    return Scene(
        name="lake",
        horizon=0.43,
        far=_lake_far(),
        far_lamps=_village_lights(),
        near=_lake_near(),
        near_lamps=_lake_lamps(),
        movers=(
            Mover(flight, (120, 50), (120, 50), 6.6, 7.6, (-130, 190), (1300, 90)),
            Mover(flight, (120, 50), (90, 40), 17.2, 18.2, (1300, 60), (-130, 170)),
            Mover(boat, (120, 150), (62, 78), 9.5, 18.8, (1290, 384), (-80, 390)),
            Mover(boat, (120, 150), (96, 120), 7.0, 18.4, (-110, 372), (1290, 380)),
            Mover(ferry, (150, 60), (112, 45), 4.0, 5.9, (300, 424), (1290, 424)),
            Mover(ferry, (150, 60), (112, 45), 20.1, 22.0, (1290, 424), (250, 424)),
        ),
        shore=_SHORE,
        water=_lake_water(),
    )
