"""What a painted place consists of. Everything is in units of 1280 x 720, painted in daylight."""

from dataclasses import dataclass
from typing import Final

from reolink_timelapsed.simulator.pictures.scenery.brush import glow

WARM: Final = f"<defs>{glow('warm', '#ffab45')}</defs>"
"""The glow that lit windows and lanterns are filled with."""


@dataclass(frozen=True)
class Mover:
    """A small picture that crosses the scene, or stands in it, for part of the day.

    It is drawn in `units` of its own and shown in `size`; sizes and places are in units of the
    scene. It is there from hour `begins` to hour `ends`, and goes from `start` to `finish` (top
    left corner) in that time. With `restless` it is there on some frames only, each time somewhere
    else between the two.
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
