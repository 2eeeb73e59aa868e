"""The houses of the street."""

from dataclasses import dataclass
from typing import Final

from reolink_timelapsed.simulator.pictures.scenery.brush import (
    Point,
    ellipse,
    lines,
    polygon,
    rect,
    window,
)

PAVEMENT: Final = 520.0
"""Where the houses stand, in units from the top."""


@dataclass(frozen=True)
class House:
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
        upper, lower = PAVEMENT - self.height + 22, PAVEMENT - 84
        columns = [self.x + self.width * f - w / 2 for f in (0.18, 0.5, 0.82)]
        return [(x, upper, w, h) for x in columns] + [
            (x, lower, w, h + 4) for x in (columns[0], columns[2])
        ]


HOUSES: Final = (
    House(22, 236, 186, "#d9c9a8", "#8a4a3a", "#2f5d50", True),
    House(292, 250, 204, "#b9d0d6", "#4b5560", "#a03b32", False),
    House(604, 226, 190, "#e6d3c6", "#7a3f36", "#3a4f74", True),
    House(866, 262, 200, "#cdd6b8", "#56504c", "#6a3f2a", False),
)


def draw_house(house: House) -> str:
    x, width, top = house.x, house.width, PAVEMENT - house.height
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
        + rect(x, PAVEMENT - 14, width, 14, "#8f8678")
        + polygon(roof, house.roof)
        + _tiles(roof, top, rise)
        + rect(x, top + 4, width, 8, "#1d1a18", 'opacity="0.28"')
        + attic
        + "".join(window(*place) + _sill(*place) for place in house.windows())
        + rect(door - 5, PAVEMENT - 88, 48, 88, "#f1ece0")
        + rect(door, PAVEMENT - 83, 38, 83, house.door)
        + rect(door + 7, PAVEMENT - 75, 24, 22, "#5b7c98")
        + ellipse(door + 33, PAVEMENT - 40, 2, 2, "#e8c65a")
        + rect(door - 12, PAVEMENT - 4, 62, 5, "#b7b0a2")
    )


def _sill(x: float, y: float, width: float, height: float) -> str:
    return rect(x - 4, y + height, width + 8, 4, "#f1ece0")


def _tiles(roof: list[Point], top: float, rise: float) -> str:
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
