"""The light of a simulated day: where sun and moon stand, and the colours of sky, clouds, land.

Plain arithmetic of the local time of day. The result is a small picture per moment, a "light map",
that a drawing program can enlarge: the sky itself, the colours of the clouds, and how much the
land looks like day, like evening sun, or like night.
"""

import math
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

Colour = tuple[float, float, float]

NOON: Final = 13.0
"""Hour of the day at which the sun is highest."""
DAY_HOURS: Final = 13.6
SPREAD: Final = 0.84
"""Which part of the picture's width the sun crosses in a day."""
TILT: Final = 55.0
LIFT: Final = -TILT * math.cos(math.pi * DAY_HOURS / 24)

MAP_WIDTH: Final = 32
SKY_ROWS: Final = 18
PATCH_ROWS: Final = 4
PATCHES: Final = ("cloud", "shade", "low", "night", "stars")
MAP_HEIGHT: Final = SKY_ROWS + PATCH_ROWS * len(PATCHES)

RAMPS: Final = {"low": (0.0, 14.0), "night": (-6.0, 1.0), "stars": (-13.0, -4.0)}
"""Between which elevations of the sun, in degrees, each level goes from one to nought."""

# Elevation of the sun in degrees; colours of zenith, horizon, lit clouds, shaded clouds.
_COLOURS: Final[list[tuple[float, Colour, Colour, Colour, Colour]]] = [
    (-18, (8, 13, 38), (22, 31, 64), (34, 40, 64), (18, 22, 42)),
    (-12, (10, 18, 50), (32, 40, 80), (42, 46, 74), (22, 27, 52)),
    (-7, (20, 32, 82), (92, 70, 108), (88, 70, 104), (42, 42, 76)),
    (-3, (40, 62, 124), (214, 112, 92), (226, 120, 118), (104, 78, 110)),
    (0, (62, 98, 164), (255, 160, 92), (255, 172, 132), (158, 112, 128)),
    (4, (84, 136, 200), (255, 206, 146), (255, 224, 194), (186, 156, 160)),
    (10, (82, 152, 222), (222, 224, 218), (255, 246, 236), (196, 194, 204)),
    (25, (62, 140, 224), (184, 216, 240), (255, 255, 255), (206, 214, 226)),
    (66, (44, 120, 214), (168, 208, 240), (255, 255, 255), (212, 220, 232)),
]


class Light(NamedTuple):
    """The light of one moment; colours 0 to 255, levels 0 to 1."""

    elevation: float
    zenith: Colour
    horizon: Colour
    cloud: Colour
    shade: Colour
    low: float
    """How much the land lies in low sun rather than full day."""
    night: float
    """How much it lies in the night rather than in low sun."""
    stars: float


def elevation(hour: float) -> float:
    """How high the sun stands at an hour of the day, in degrees."""
    return TILT * math.cos(2 * math.pi * (hour - NOON) / 24) + LIFT


def sun_place(hour: float) -> tuple[float, float]:
    """Where the sun stands: across (0 left, 1 right), and above the horizon (1 at noon)."""
    across = 0.5 + (hour - NOON) / DAY_HOURS * SPREAD
    return across, elevation(hour) / (TILT + LIFT)


def light(hour: float) -> Light:
    """Tell the light at an hour of the day."""
    height = elevation(hour)
    low, night, stars = (1 - ramp(height, *RAMPS[patch]) for patch in ("low", "night", "stars"))
    return Light(height, *_colours(height), low, night, stars)


def bright_hours(patch: str) -> tuple[float, float]:
    """From when to when of the day a level ("low", "night", "stars") is nought."""
    half = math.acos((RAMPS[patch][1] - LIFT) / TILT) * 12 / math.pi
    return NOON - half, NOON + half


def ramp(value: float, low: float, high: float) -> float:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    x = min(1.0, max(0.0, (value - low) / (high - low)))
    return x * x * (3 - 2 * x)


def _colours(height: float) -> tuple[Colour, Colour, Colour, Colour]:
    pairs = list(pairwise(_COLOURS))
    below, above = next((pair for pair in pairs if height < pair[1][0]), pairs[-1])
    part = min(1.0, max(0.0, (height - below[0]) / (above[0] - below[0])))
    zenith, horizon, cloud, shade = (
        mix(a, b, part) for a, b in zip(below[1:], above[1:], strict=True)
    )
    return zenith, horizon, cloud, shade


def mix(a: Colour, b: Colour, part: float) -> Colour:
    """Blend two colours; `part` 0 gives the first."""
    return (
        a[0] + (b[0] - a[0]) * part,
        a[1] + (b[1] - a[1]) * part,
        a[2] + (b[2] - a[2]) * part,
    )


def light_map(hour: float, horizon: float) -> bytes:
    """Draw the light map: planar YUV 4:4:4, full range, MAP_WIDTH x MAP_HEIGHT.

    `horizon` is how far down the picture the sky reaches, 0 to 1. The top rows are the sky; below
    it a few rows for each of `PATCHES`: two colours, then three levels as grey.
    """
    now = light(hour)
    flat = [_yuv(now.cloud), _yuv(now.shade)]
    flat += [(255 * level,) * 3 for level in (now.low, now.night, now.stars)]
    area = PATCH_ROWS * MAP_WIDTH
    sky = _sky(now, hour, horizon)
    return b"".join(
        sky[plane] + b"".join(bytes([round(patch[plane])]) * area for patch in flat)
        for plane in range(3)
    )


def _sky(now: Light, hour: float, horizon: float) -> tuple[bytes, bytes, bytes]:
    """Draw the sky with the glow around the sun, one plane after the other."""
    across, up = sun_place(hour)
    sun_row = (1 - up) * horizon * SKY_ROWS * 0.9 + 0.1 * SKY_ROWS
    glow = _yuv(mix((255, 138, 66), (255, 242, 210), ramp(now.elevation, -4, 7)))
    strength = 0.75 * ramp(now.elevation, -9, 1) * (1 - 0.5 * ramp(now.elevation, 6, 30))
    planes: tuple[list[float], list[float], list[float]] = ([], [], [])
    for row in range(SKY_ROWS):
        down = min(1.0, (row + 0.5) / SKY_ROWS / horizon)
        plain = _yuv(mix(now.zenith, now.horizon, down**1.7))
        shine = _glow_row(round(across * 200), round(8 * (row - sun_row)))
        for plane, a, b in zip(planes, plain, glow, strict=True):
            step = (b - a) * strength
            plane += [a + step * s for s in shine]
    return _bytes(planes[0]), _bytes(planes[1]), _bytes(planes[2])


def _bytes(plane: list[float]) -> bytes:
    return bytes(map(int, plane))


@lru_cache(maxsize=65536)
def _glow_row(centre: int, distance: int) -> list[float]:
    """How brightly the sun's glow is in one row of the map, some rows from the sun."""
    vertical = (distance / 8 / SKY_ROWS * 9 / 16 * 1.7) ** 2
    reach = (((x + 0.5) / MAP_WIDTH - centre / 200) ** 2 + vertical for x in range(MAP_WIDTH))
    return [0.55 * math.exp(-r * 12) + 0.45 * math.exp(-r * 90) for r in reach]


def _yuv(colour: Colour) -> Colour:
    """BT.601, full range, as in JPEG."""
    r, g, b = colour
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return y, 128 + 0.564 * (b - y), 128 + 0.713 * (r - y)
