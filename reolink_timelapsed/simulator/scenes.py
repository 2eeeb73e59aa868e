"""Two painted places: a lake among mountains, and a street of houses.

All in units of 1280 x 720, painted in daylight; `lamps` is what shines there at night.
"""

import math
from dataclasses import dataclass
from typing import Final

from .brush import (
    HEIGHT,
    WIDTH,
    dimmed,
    downward,
    ellipse,
    faces,
    fir,
    glow,
    leaves,
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

_WARM: Final = f"<defs>{glow('warm', '#ffab45')}</defs>"


@dataclass(frozen=True)
class Mover:
    """A small picture that crosses the scene, or stands in it, for part of the day.

    It is drawn in `units` and shown in `size`; sizes and places are in units of the scene. It is there from hour `begins` to hour `ends`, and goes
    from `start` to `finish` (top left corner) in that time. With `restless` it is there on some
    frames only, each time somewhere else between the two.
    """

    svg: str
    units: tuple[int, int]
    size: tuple[int, int]
    begins: float
    ends: float
    start: tuple[float, float]
    finish: tuple[float, float]
    restless: bool = False


@dataclass(frozen=True)
class Scene:
    """A place: what is far, what is near, what moves between, and where there is water.

    `horizon` is where the sky ends (0 to 1 from the top). With `shore` (units from the top)
    everything above it is mirrored below it, under `water`, the streaks of light on it.
    """

    name: str
    horizon: float
    far: str
    far_lamps: str
    near: str
    near_lamps: str
    movers: tuple[Mover, ...]
    front_movers: tuple[Mover, ...] = ()
    shore: float | None = None
    water: str = ""


# -- the lake -------------------------------------------------------------------------------------

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
    return _WARM + "".join(
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
        for x in (706 - 154 * part, 742 - 52 * part):
            shapes.append(rect(x - size / 2, y - 22 - 14 * part, size, 36 + 30 * part, "#54412d"))
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
        _WARM
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
        _WARM
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


# -- the street -----------------------------------------------------------------------------------

_PAVEMENT: Final = 520.0
_ROAD: Final = 540.0
_KERB: Final = 628.0


@dataclass(frozen=True)
class _House:
    x: float
    width: float
    height: float
    wall: str
    roof: str
    door: str
    gable: bool

    def windows(self) -> list[tuple[float, float, float, float]]:
        """Upper floor: three; ground floor: one on each side of the door."""
        w, h = 36.0, 46.0
        upper, lower = _PAVEMENT - self.height + 22, _PAVEMENT - 84
        columns = [self.x + self.width * f - w / 2 for f in (0.18, 0.5, 0.82)]
        return [(x, upper, w, h) for x in columns] + [
            (x, lower, w, h + 4) for x in (columns[0], columns[2])
        ]


_HOUSES: Final = (
    _House(22, 236, 186, "#d9c9a8", "#8a4a3a", "#2f5d50", True),
    _House(292, 250, 204, "#b9d0d6", "#4b5560", "#a03b32", False),
    _House(604, 226, 190, "#e6d3c6", "#7a3f36", "#3a4f74", True),
    _House(866, 262, 200, "#cdd6b8", "#56504c", "#6a3f2a", False),
)


def _draw_house(house: _House) -> str:
    x, width, top = house.x, house.width, _PAVEMENT - house.height
    middle, door = x + width / 2, x + width / 2 - 19
    rise = 96 if house.gable else 70
    if house.gable:
        roof = [(x - 14, top + 4), (middle, top - rise), (x + width + 14, top + 4)]
    else:
        roof = [(x - 14, top + 4), (x + 38, top - rise), (x + width - 38, top - rise)]
        roof.append((x + width + 14, top + 4))
    attic = window(middle - 15, top - 40, 30, 30) if house.gable else ""
    return (
        rect(x + width * 0.7, top - rise - 12, 24, 60, "#8d6a5a")
        + rect(x + width * 0.7 - 3, top - rise - 16, 30, 7, "#6f5145")
        + rect(x, top, width, house.height, house.wall)
        + rect(x, _PAVEMENT - 14, width, 14, "#8f8678")
        + polygon(roof, house.roof)
        + _tiles(roof, top, rise)
        + rect(x, top + 4, width, 8, "#1d1a18", 'opacity="0.28"')
        + attic
        + "".join(window(*place) + _sill(*place) for place in house.windows())
        + rect(door - 5, _PAVEMENT - 88, 48, 88, "#f1ece0")
        + rect(door, _PAVEMENT - 83, 38, 83, house.door)
        + rect(door + 7, _PAVEMENT - 75, 24, 22, "#5b7c98")
        + ellipse(door + 33, _PAVEMENT - 40, 2, 2, "#e8c65a")
        + rect(door - 12, _PAVEMENT - 4, 62, 5, "#b7b0a2")
    )


def _sill(x: float, y: float, width: float, height: float) -> str:
    return rect(x - 4, y + height, width + 8, 4, "#f1ece0")


def _tiles(roof: list[tuple[float, float]], top: float, rise: float) -> str:
    """Rows of tiles, each from one slope of the roof to the other."""
    (left, _), (peak_left, _), *_, (peak_right, _), (right, _) = [
        roof[0],
        roof[1],
        roof[-2],
        roof[-1],
    ]
    rows = []
    for i in range(1, 8):
        part = i / 8
        y = top + 4 - (rise + 4) * part
        a, b = left + (peak_left - left) * part, right + (peak_right - right) * part
        rows.append(f"M{a:.0f} {y:.0f}L{b:.0f} {y:.0f}")
    return f'<g opacity="0.22">{lines("".join(rows), "#000", 1.6)}</g>'


def _street_far() -> str:
    hills = ridge(41, 470, 170, [0.5, 0.65, 0.5, 0.7, 0.9, 0.75, 0.55, 0.6, 0.4, 0.5], 0.5)
    nearer = ridge(43, 480, 110, [0.3, 0.5, 0.7, 0.5, 0.35, 0.5, 0.8, 0.95, 0.8, 0.6], 0.5)
    defs = downward("h1", "#7f9fae", "#b5cad0") + downward("h2", "#5f8a5c", "#8fae7a")
    fields = "".join(
        ellipse(x, 420 + i * 7, 80, 9, c, 'opacity="0.5"')
        for i, (x, c) in enumerate(((180, "#c9c36a"), (560, "#a9bd62"), (830, "#d6cf86")))
    )
    return (
        f"<defs>{defs}</defs>"
        + mountain(hills, "url(#h1)", 560)
        + mountain(nearer, "url(#h2)", 560)
        + fields
        + _church(566, 372)
    )


def _church(x: float, foot: float) -> str:
    return (
        rect(x, foot - 120, 30, 130, "#e4dccb")
        + polygon([(x - 4, foot - 120), (x + 15, foot - 190), (x + 34, foot - 120)], "#5c6770")
        + ellipse(x + 15, foot - 98, 9, 9, "#3a4650")
        + lines(f"M{x + 15} {foot - 104}v6h5", "#f3e7c2", 1.8)
        + lines(f"M{x + 15} {foot - 206}v18M{x + 10} {foot - 200}h10", "#3a3f44", 2)
    )


def _street_near() -> str:
    defs = downward("road", "#6c6f73", "#54575b") + downward("lawn", "#7fa552", "#4a6d2c")
    dashes = "".join(rect(x, 580, 52, 5, "#e9e4d2") for x in range(-10, WIDTH, 104))
    joints = "".join(f"M{x} {_PAVEMENT}l-10 20" for x in range(0, WIDTH + 20, 46))
    return (
        f"<defs>{defs}</defs>"
        + _back_trees()
        + rect(0, _PAVEMENT - 46, WIDTH, 50, "#5d8444")
        + _fence()
        + "".join(_draw_house(house) for house in _HOUSES)
        + rect(0, _PAVEMENT, WIDTH, 20, "#b9b4a8")
        + lines(joints, "#9d988c", 1.2)
        + rect(0, _ROAD - 3, WIDTH, 5, "#8e897e")
        + rect(0, _ROAD, WIDTH, _KERB - _ROAD, "url(#road)")
        + dashes
        + rect(0, _KERB, WIDTH, 6, "#a49f93")
        + rect(0, _KERB + 6, WIDTH, 14, "#c3beb2")
        + rect(0, _KERB + 20, WIDTH, 100, "url(#lawn)")
        + _hedge()
        + _lamp_post(262)
        + _lamp_post(832)
        + _big_tree()
    )


def _back_trees() -> str:
    greens = ["#3f6b37", "#4c7b40", "#5a8a48", "#6b9a52"][::-1]
    places = [(276, 400, 46), (578, 410, 52), (846, 404, 44), (1180, 392, 66), (4, 420, 40)]
    return "".join(leaves(x, y, size, int(x), greens) for x, y, size in places)


def _fence() -> str:
    slats = "".join(f"M{x} {_PAVEMENT}v-34" for x in range(4, WIDTH, 13))
    rails = f"M0 {_PAVEMENT - 10}h{WIDTH}M0 {_PAVEMENT - 27}h{WIDTH}"
    return lines(slats, "#efe9dc", 5) + lines(rails, "#d8d1c2", 4)


def _hedge() -> str:
    greens = ["#5f8f47", "#4d7b3a", "#41692f", "#345626"]
    rng = seeded(61)
    tufts = [
        ellipse(rng.uniform(-10, 1290), rng.uniform(672, 730), 17, 13, rng.choice(greens))
        for _ in range(520)
    ]
    blossoms = [
        ellipse(
            rng.uniform(0, 1280),
            rng.uniform(676, 716),
            2.6,
            2.6,
            rng.choice(["#f6e9ef", "#e58fb0"]),
        )
        for _ in range(90)
    ]
    return rect(0, 684, WIDTH, 40, "#3d622c") + "".join(tufts + blossoms)


def _lamp_post(x: float) -> str:
    return (
        rect(x - 3, 380, 6, 262, "#3b4145")
        + rect(x - 7, 622, 14, 22, "#33393d")
        + lines(f"M{x} 384q0 -18 22 -18h14", "#3b4145", 5)
        + polygon([(x + 26, 366), (x + 52, 366), (x + 47, 376), (x + 31, 376)], "#2d3235")
    )


def _big_tree() -> str:
    """A tree in front, its crown over the right upper corner."""
    greens = ["#8fbb5e", "#79a84f", "#639343", "#4d7c36", "#3b652b"]
    trunk = '<path d="M1236 720c14 -120 8 -230 -6 -330l34 -6c2 110 10 220 38 336z" fill="#5b4330"/>'
    branch = lines("M1244 420q-50 -60 -120 -100", "#5b4330", 15)
    crown = "".join(
        leaves(x, y, size, int(x), greens)
        for x, y, size in ((1262, 120, 120), (1120, 268, 88), (1234, 300, 98), (1168, 178, 110))
    )
    return trunk + branch + crown


def _lamp_light() -> str:
    """Light of the two street lamps, with its cone and its pool on the road."""
    parts = [f"<defs>{glow('warm', '#ffab45')}{glow('lamp', '#ffdc9a')}</defs>"]
    for x in (301, 871):
        cone = polygon([(x - 9, 376), (x + 9, 376), (x + 120, 600), (x - 120, 600)], "#ffdc9a")
        parts.append(f'<g opacity="0.10">{cone}</g>')
        parts.append(ellipse(x, 590, 210, 52, "url(#lamp)", 'opacity="0.75"'))
        parts.append(ellipse(x, 372, 70, 70, "url(#lamp)"))
        parts.append(ellipse(x, 375, 11, 4, "#fff4d6"))
    parts += [lit_window(*_HOUSES[1].windows()[3]), lit_window(*_HOUSES[3].windows()[1])]
    return "".join(parts)


def _church_light() -> str:
    return f"<defs>{glow('warm', '#ffab45')}</defs>" + ellipse(581, 274, 30, 30, "url(#warm)")


def _lights(*windows: tuple[float, float, float, float], begins: float, ends: float) -> list[Mover]:
    """Windows that are lit for some hours."""
    movers = []
    for x, y, width, height in windows:
        left, top = width * 1.5, height * 1.5
        inner = f'{_WARM}<g transform="translate({left} {top})">'
        inner += f"{lit_window(0, 0, width, height)}</g>"
        size = (round(width * 4), round(height * 4))
        place = (x - left, y - top)
        movers.append(Mover(inner, size, size, begins, ends, place, place))
    return movers


def _car(colour: str, lamps: bool) -> str:
    """A car seen from the side, driving to the right."""
    wheels = "".join(
        ellipse(x, 62, 15, 15, "#1c1d1f") + ellipse(x, 62, 7.5, 7.5, "#b9bdc1") for x in (46, 136)
    )
    shine = ""
    if lamps:
        beam = polygon([(176, 46), (300, 30), (300, 84), (176, 54)], "#fff2c0")
        shine = f'<g opacity="0.28">{beam}</g>' + ellipse(176, 49, 9, 6, "#fff6d8")
        shine += ellipse(9, 47, 6, 5, "#ff4a36")
    return (
        ellipse(92, 76, 92, 7, "#000", 'opacity="0.28"')
        + f'<path d="M6 60V44q2 -10 22 -12l14 -2q18 -22 40 -22h26q22 0 38 24q30 2 32 14v14z"'
        f' fill="{colour}"/>'
        + '<path d="M50 30q14 -16 32 -16h6v16zM94 14h14q16 0 28 17l-42 -1z" fill="#3d5468"/>'
        + lines("M92 14v46", "#00000055", 2)
        + wheels
        + shine
    )


def _balloon() -> str:
    """A hot-air balloon."""
    stripes = "".join(
        f'<path d="M60 4C{60 + bend} 4 {60 + bend} 84 60 118z" fill="{colour}"/>'
        for bend, colour in ((74, "#c8402f"), (44, "#f0b93a"), (16, "#c8402f"))
    )
    return (
        '<path d="M60 4C134 4 134 84 60 118C-14 84 -14 4 60 4z" fill="#f0b93a"/>'
        '<path d="M60 4C16 4 16 84 60 118C44 84 44 4 60 4z" fill="#c8402f"/>'
        + stripes
        + lines("M52 116l2 22M68 116l-2 22", "#5a4634", 1.6)
        + rect(51, 137, 18, 13, "#7c5530")
    )


def _washing() -> str:
    """Sheets and shirts on a line."""
    colours = ["#fdfdfb", "#e3657a", "#7fb2e5", "#fdf3c8", "#fdfdfb", "#8fc79a"]
    cloths = "".join(
        f'<path d="M{8 + i * 25} 12q10 4 20 0l{1 + i % 3} {26 + 9 * (i % 2)}q-12 4 -22 0z"'
        f' fill="{colour}"/>'
        for i, colour in enumerate(colours)
    )
    return lines("M0 9q80 8 160 0", "#6b6b6b", 1.6) + cloths


def _walker(coat: str) -> str:
    return (
        ellipse(12, 8, 6, 7, "#d9a982")
        + f'<path d="M5 16q7 -4 14 0l2 22h-18z" fill="{coat}"/>'
        + lines("M9 38l-4 20M15 38l5 20", "#2b2f3a", 5)
    )


def _bins() -> str:
    return "".join(
        rect(x, 8, 18, 26, c) + rect(x - 2, 4, 22, 6, "#2c2f31")
        for x, c in ((2, "#3f6b45"), (28, "#3a5a86"))
    )


def _traffic() -> list[Mover]:
    """Cars and walkers, here and there from frame to frame."""
    box, size = (186, 84), (186, 84)
    beam = (310, 84)
    walker, stature = (24, 60), (26, 64)
    left, right = (-200.0, 1290.0)
    return [
        Mover(_walker("#2f5d8a"), walker, stature, 7.2, 19.3, (-30, 574), (right, 574), True),
        Mover(_walker("#a6483c"), walker, stature, 8.1, 18.9, (right, 470), (-30, 470), True),
        Mover(_car("#3f6fa3", False), box, size, 6.9, 19.2, (left, 520), (right, 520), True),
        Mover(_car("#d8d2c4", False), box, size, 6.9, 19.2, (left, 546), (right, 546), True),
        Mover(_car("#27303a", True), beam, beam, 4.0, 6.5, (left, 540), (right, 540), True),
        Mover(_car("#27303a", True), beam, beam, 19.6, 22.0, (left, 540), (right, 540), True),
    ]


def _parked() -> list[Mover]:
    """The car of the second house, away from morning to evening."""
    car = _car("#b5342c", lamps=False)
    dusk, night = dimmed(car, 0.62, 0.45, 0.42), dimmed(car, 0.22, 0.2, 0.27)
    place = (352.0, 488.0)
    hours = ((night, 0.0, 6.05), (dusk, 6.05, 6.7), (car, 6.7, 7.9))
    hours += ((car, 17.6, 19.3), (dusk, 19.3, 20.1), (night, 20.1, 24.0))
    return [Mover(svg, (186, 84), (150, 68), a, b, place, place) for svg, a, b in hours]


def street() -> Scene:
    """A street of houses."""
    upstairs = [house.windows()[0] for house in _HOUSES]
    parlours = [house.windows()[4] for house in _HOUSES]
    washing, bins = (1134.0, 452.0), (216.0, 500.0)
    return Scene(
        name="street",
        horizon=0.66,
        far=_street_far(),
        far_lamps=_church_light(),
        near=_street_near(),
        near_lamps=_lamp_light(),
        movers=(Mover(_balloon(), (120, 150), (96, 120), 7.2, 11.5, (-100, 190), (1290, 20)),),
        front_movers=(
            *_lights(*upstairs[:2], begins=5.2, ends=6.3),
            *_lights(*upstairs[2:], begins=19.7, ends=21.6),
            *_lights(parlours[0], parlours[2], begins=19.5, ends=21.2),
            *_lights(parlours[3], begins=5.5, ends=6.4),
            Mover(_washing(), (160, 50), (112, 44), 9.4, 15.2, washing, washing),
            Mover(_bins(), (52, 36), (52, 36), 6.3, 8.9, bins, bins),
            *_parked(),
            *_traffic(),
        ),
    )


SCENES: Final = (lake, street)
