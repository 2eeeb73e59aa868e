"""A street of houses: people who come home and go to bed, passers-by, a balloon over the hills."""

from typing import Final

from reolink_timelapsed.simulator.pictures.scenery.brush import (
    WIDTH,
    dimmed,
    downward,
    ellipse,
    glow,
    leaves,
    lines,
    lit_window,
    mountain,
    polygon,
    rect,
    ridge,
    seeded,
)
from reolink_timelapsed.simulator.pictures.scenery.house import HOUSES, PAVEMENT, draw_house
from reolink_timelapsed.simulator.pictures.scenery.stage import WARM, Mover, Scene

_ROAD: Final = 540.0
_KERB: Final = 628.0


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
    joints = "".join(f"M{x} {PAVEMENT}l-10 20" for x in range(0, WIDTH + 20, 46))
    return (
        f"<defs>{defs}</defs>"
        + _back_trees()
        + rect(0, PAVEMENT - 46, WIDTH, 50, "#5d8444")
        + _fence()
        + "".join(draw_house(house) for house in HOUSES)
        + rect(0, PAVEMENT, WIDTH, 20, "#b9b4a8")
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
    slats = "".join(f"M{x} {PAVEMENT}v-34" for x in range(4, WIDTH, 13))
    rails = f"M0 {PAVEMENT - 10}h{WIDTH}M0 {PAVEMENT - 27}h{WIDTH}"
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
    parts += [lit_window(*HOUSES[1].windows()[3]), lit_window(*HOUSES[3].windows()[1])]
    return "".join(parts)


def _church_light() -> str:
    return f"<defs>{glow('warm', '#ffab45')}</defs>" + ellipse(581, 274, 30, 30, "url(#warm)")


def _lights(*windows: tuple[float, float, float, float], begins: float, ends: float) -> list[Mover]:
    """Windows that are lit for some hours."""
    movers = []
    for x, y, width, height in windows:
        left, top = width * 1.5, height * 1.5
        inner = f'{WARM}<g transform="translate({left} {top})">'
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
    hours = [(night, 0.0, 6.05), (dusk, 6.05, 6.7), (car, 6.7, 7.9)]
    hours += [(car, 17.6, 19.3), (dusk, 19.3, 20.1), (night, 20.1, 24.0)]
    return [Mover(svg, (186, 84), (150, 68), a, b, place, place) for svg, a, b in hours]


def street() -> Scene:
    """A street of houses."""
    upstairs = [house.windows()[0] for house in HOUSES]
    parlours = [house.windows()[4] for house in HOUSES]
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
