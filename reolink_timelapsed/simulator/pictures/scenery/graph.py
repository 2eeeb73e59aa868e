"""The ffmpeg command that draws a painted scene through a day: plain values in, arguments out.

How a picture comes about, from back to front: the sky (enlarged from the light map), stars and
moon as far as it is dark, the sun, clouds in the colours of the hour; at half size up to here.
Then the far land, in the water its mirror image, what moves in between, the near land, what moves
in front, and the writing. Land is painted thrice (night with its lamps, low sun, day) and faded
between by the levels of the light map. All is full-range BT.601, as JPEG wants it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reolink_timelapsed.simulator.pictures.scenery.brush import HEIGHT, WIDTH, document
from reolink_timelapsed.simulator.pictures.scenery.heaven import (
    CLOUD_UNITS,
    CLOUD_WIDTHS,
    clouds,
    moon,
    stars,
    sun,
)
from reolink_timelapsed.simulator.pictures.scenery.sky import (
    DAY_HOURS,
    LIFT,
    MAP_HEIGHT,
    MAP_WIDTH,
    NOON,
    PATCH_ROWS,
    PATCHES,
    SKY_ROWS,
    SPREAD,
    TILT,
    bright_hours,
)
from reolink_timelapsed.simulator.pictures.scenery.stage import Mover, Scene

Give = Callable[[bytes], str]
"""Makes bytes readable for ffmpeg, and gives the path under which they are."""

_FULL: Final = "setparams=range=pc:colorspace=smpte170m"
_PAINT: Final = f"scale=out_range=pc:out_color_matrix=bt601,format=yuv420p,{_FULL}"
_KEEP: Final = "in_range=pc:out_range=pc"
"""Said at every scaling: else older ffmpeg squeezes the levels into those of television."""
_SPRITE: Final = f"scale=out_range=pc:out_color_matrix=bt601,format=yuva420p,{_FULL}"
_LOW_SUN: Final = "colorchannelmixer=rr=0.90:rg=0.06:gg=0.62:gr=0.04:bb=0.52:br=0.02"
_NIGHT: Final = "colorchannelmixer=rr=0.11:rg=0.03:gg=0.15:gr=0.02:bb=0.23:bg=0.05"
_MOON_LAG: Final = 11.0
"""Hours by which the moon is behind the sun."""


@dataclass
class Plan:
    """What is to be drawn: pixels (even numbers), first local moment, seconds from frame to frame.

    `hour` is the local time of day of the first frame, `epoch` the same moment as the writing
    counts it (seconds since 1970, as if local time were UTC).
    """

    scene: Scene
    name: str
    width: int
    height: int
    hour: float
    epoch: int
    step: float
    frames: int
    writing: bool = True
    quality: int = 4


@dataclass
class _Graph:
    """Collects inputs and filter chains; input 0 is the light map."""

    give: Give
    inputs: list[str] = field(default_factory=list)
    chains: list[str] = field(default_factory=list)
    count: int = 0

    def still(self, svg: bytes) -> str:
        """Add a painted picture; gives its label. librsvg's colours come multiplied by alpha."""
        self.inputs += ["-f", "svg_pipe", "-i", self.give(svg)]
        self.count += 1
        self.add(f"[{self.count}]format=gbrap,unpremultiply=inplace=1[still{self.count}]")
        return f"[still{self.count}]"

    def add(self, chain: str) -> None:
        self.chains.append(chain)


def command(plan: Plan, light: bytes, give: Give) -> list[str]:
    """Give the ffmpeg command that writes the frames to its standard output, one JPEG each.

    `light` holds a light map for every frame.
    """
    graph = _Graph(give)
    size = f"{MAP_WIDTH}x{MAP_HEIGHT}"
    light_input = ["-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", size]
    light_input += ["-framerate", f"1/{plan.step:g}", "-i", give(light)]
    _light(graph, plan)
    _sky(graph, plan)
    _land(graph, plan, "far", plan.scene.far, plan.scene.far_lamps)
    _land(graph, plan, "near", plan.scene.near, plan.scene.near_lamps)
    graph.add("[sky][far][farmask]maskedmerge[far1]")
    _water(graph, plan)
    _movers(graph, plan, "far2", "far3", plan.scene.movers)
    graph.add("[far3][near][nearmask]maskedmerge[near1]")
    _movers(graph, plan, "near1", "near2", plan.scene.front_movers)
    _writing(graph, plan)
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-filter_complex_threads", "1"),
        *(*light_input, *graph.inputs, "-filter_complex", ";".join(graph.chains)),
        *("-map", "[out]", "-frames:v", str(plan.frames), "-c:v", "mjpeg", "-threads", "2"),
        *("-q:v", str(plan.quality), "-pix_fmt", "yuv420p", "-color_range", "pc"),
        *("-strict", "unofficial", "-f", "image2pipe", "-"),
    ]


def _half(plan: Plan) -> tuple[int, int]:
    return plan.width // 4 * 2, plan.height // 4 * 2


def _light(graph: _Graph, plan: Plan) -> None:
    """Cut the light map into the sky and its patches, each enlarged to where it is needed."""
    full, half = f"{plan.width}:{plan.height}", "{}:{}".format(*_half(plan))
    labels = "".join(f"[map{i}]" for i in range(len(PATCHES) + 1))
    graph.add(f"[0]{_FULL},split={len(PATCHES) + 1}{labels}")
    crop = f"crop={MAP_WIDTH}:{SKY_ROWS}:0:0"
    graph.add(
        f"[map0]{crop},scale={half}:flags=bicubic:{_KEEP},format=yuv420p,split[plain][plain2]"
    )
    for i, patch in enumerate(PATCHES):
        crop = f"crop={MAP_WIDTH}:{PATCH_ROWS}:0:{SKY_ROWS + i * PATCH_ROWS}"
        on_land = patch in {"low", "night"}
        copies = f",split[{patch}far][{patch}near]" if on_land else f"[{patch}]"
        size = full if on_land else half
        graph.add(f"[map{i + 1}]{crop},scale={size}:flags=neighbor:{_KEEP},format=yuv420p{copies}")


def _sky(graph: _Graph, plan: Plan) -> None:
    """Put stars, moon, sun and clouds into the sky, and enlarge it to full size."""
    width, height = _half(plan)
    star_field = graph.still(document(stars(), (width, height)))
    crescent = graph.still(document(moon(), _even(plan, 45, 45), (90, 90)))
    disc = graph.still(document(sun(), _even(plan, 100, 100), (200, 200)))
    graph.add(f"{star_field}{_PAINT},{_drift(plan, 0.5)}[stars0]")
    dark = _dim_hours(plan, "stars")
    lighten = "c0_mode=lighten:c1_mode=normal:c2_mode=normal"
    graph.add(f"[plain2][stars0]blend={lighten}:{dark}[dark]")
    graph.add(f"{crescent}{_SPRITE}[moon]")
    graph.add(f"[dark][moon]overlay={_arc(plan, _MOON_LAG)}:{dark}[dark1]")
    graph.add(f"[plain][dark1][stars]maskedmerge={dark}[sky1]")
    graph.add(f"{disc}{_SPRITE}[sun]")
    graph.add(f"[sky1][sun]overlay={_arc(plan, 0)}[sky2]")
    strip = (CLOUD_WIDTHS * width, height)
    noise = graph.still(document(clouds(), (strip[0] // 2, height // 2), CLOUD_UNITS))
    graph.add(f"{noise}format=gray,scale={strip[0]}:{height}:flags=bicubic:{_KEEP},split[n1][n2]")
    for label, level, steep, into in (("n1", 116, 3.4, "thin"), ("n2", 150, 3.6, "thick")):
        graph.add(f"[{label}]lut=y=clip((val-{level})*{steep}\\,0\\,255)[{into}0]")
        _grey_mask(graph, f"{into}0", f"{into}1", *strip)
        drift = _drift(plan, (CLOUD_WIDTHS - 1) / CLOUD_WIDTHS)
        graph.add(f"[{into}1]{drift},crop={width}:{height}:0:0[{into}]")
    graph.add("[sky2][cloud][thin]maskedmerge[sky3];[sky3][shade][thick]maskedmerge[sky4]")
    graph.add(f"[sky4]scale={plan.width}:{plan.height}:flags=bilinear:{_KEEP}[sky]")


def _dim_hours(plan: Plan, patch: str) -> str:
    """Switch a filter on while this level is above nought."""
    begins, ends = bright_hours(patch)
    return f"enable='not(between({plan.hour:.6f}+t/3600\\,{begins:.4f}\\,{ends:.4f}))'"


def _drift(plan: Plan, part: float) -> str:
    """Repeat a still and let it drift to the right, by this part of its width in a whole day."""
    begins, each = part * (1 - plan.hour / 24), part * plan.step / 86400
    scroll = f"scroll=h={-each:.9f}:hpos={begins:.6f}"
    return f"loop=-1:1:0,setpts=N*{plan.step:g}/TB,{scroll}"


def _land(graph: _Graph, plan: Plan, label: str, land: str, lamps: str) -> None:
    """Paint land for night, low sun and day, and fade between them; cut out its mask."""
    size = (plan.width, plan.height)
    picture, lights = graph.still(document(land, size)), graph.still(document(lamps, size))
    graph.add(f"{picture}format=rgba,split=4[{label}m][{label}d0][{label}g0][{label}n0]")
    graph.add(f"[{label}m]alphaextract,format=gray[{label}m0]")
    _grey_mask(graph, f"{label}m0", f"{label}mask", *size)
    graph.add(f"[{label}d0]{_PAINT}[{label}d];[{label}g0]{_LOW_SUN},{_PAINT}[{label}g]")
    graph.add(f"[{label}n0]{_NIGHT}[{label}n1]")
    graph.add(f"[{label}n1]{lights}overlay=format=rgb,{_PAINT}[{label}n]")
    low, night = _dim_hours(plan, "low"), _dim_hours(plan, "night")
    graph.add(f"[{label}d][{label}g][low{label}]maskedmerge={low}[{label}1a]")
    graph.add(f"[{label}1a][{label}n][night{label}]maskedmerge={night}[{label}]")


def _grey_mask(graph: _Graph, grey: str, mask: str, width: int, height: int) -> None:
    """Make a mask for all three planes out of a grey picture."""
    graph.add(f"[{grey}]split[{mask}y][{mask}s]")
    graph.add(f"[{mask}s]scale={width // 2}:{height // 2}:{_KEEP},split[{mask}u][{mask}v]")
    planes = "map0s=0:map0p=0:map1s=1:map1p=0:map2s=2:map2p=0:format=yuv420p"
    graph.add(f"[{mask}y][{mask}u][{mask}v]mergeplanes={planes},{_FULL}[{mask}]")


def _water(graph: _Graph, plan: Plan) -> None:
    """Mirror in the water what is above the shore, blurred downwards, with streaks of light."""
    scene, width = plan.scene, plan.width
    if scene.shore is None:
        graph.add("[far1]null[far2]")
        return
    shore = round(scene.shore * plan.height / HEIGHT / 2) * 2
    depth = plan.height - shore
    blur = f"scale={width // 4 * 2}:{depth // 6 * 2}:flags=bilinear:{_KEEP},scale={width}:{depth}"
    graph.add("[far1]split[far1a][far1b]")
    graph.add(f"[far1b]crop={width}:{shore}:0:0,vflip,{blur}:flags=bilinear:{_KEEP}[mirror0]")
    graph.add("[mirror0]lutyuv=y=val*0.76+4[mirror]")
    graph.add(f"[far1a][mirror]overlay=0:{shore}[far1c]")
    streaks = graph.still(document(scene.water, (width, plan.height)))
    graph.add(f"{streaks}{_SPRITE},crop={width}:{depth}:0:{shore}[streaks]")
    graph.add(
        f"[far1c][streaks]overlay=x='{width / 40:.0f}*sin(t/{plan.step * 1.7:g})':y={shore}[far2]"
    )


def _movers(graph: _Graph, plan: Plan, before: str, after: str, movers: tuple[Mover, ...]) -> None:
    """Put the movers of one depth into the picture."""
    for i, mover in enumerate(movers):
        size = _even(plan, *mover.size)
        graph.add(f"{graph.still(document(mover.svg, size, mover.units))}{_SPRITE}[{after}s{i}]")
        graph.add(f"[{before}][{after}s{i}]overlay={_way(plan, mover, i)}[{after}m{i}]")
        before = f"{after}m{i}"
    graph.add(f"[{before}]null[{after}]")


def _way(plan: Plan, mover: Mover, number: int) -> str:
    """Say where a mover is and when, as options of the overlay filter."""
    hour = f"({plan.hour:.6f}+t/3600)"
    part = f"({hour}-{mover.begins})/{mover.ends - mover.begins:.6f}"
    there = f"between({hour}\\,{mover.begins}\\,{mover.ends})"
    if mover.restless:
        part = f"mod(n*{7919 + 1232 * number}\\,1009)/1009"
        there += f"*lt(mod(n*{5231 + 1610 * number}\\,97)\\,28)"
    scale = (plan.width / WIDTH, plan.height / HEIGHT)
    x, y = (
        f"{a * k:.1f}+({(b - a) * k:.1f})*{part}"
        for a, b, k in zip(mover.start, mover.finish, scale, strict=True)
    )
    return f"x='{x}':y='{y}':enable='{there}'"


def _arc(plan: Plan, lag: float) -> str:
    """Say where the sun stands, or the moon so many hours behind it, as `sky.sun_place` does."""
    width, height = _half(plan)
    hour = f"mod({plan.hour + lag:.6f}+t/3600\\,24)"
    up = f"({TILT}*cos(2*PI*({hour}-{NOON})/24)+{LIFT})/{TILT + LIFT}"
    x = f"{width}*(0.5+({hour}-{NOON})/{DAY_HOURS}*{SPREAD})-w/2"
    y = f"{height}*(0.1+0.9*{plan.scene.horizon}*(1-{up}))-h/2"
    return f"x='{x}':y='{y}'"


def _writing(graph: _Graph, plan: Plan) -> None:
    """Write the name and the time of day, unless there is no font for it."""
    if not plan.writing:
        graph.add(f"[near2]{_FULL}[out]")
        return
    unit = plan.height / HEIGHT
    style = f"fontsize={26 * unit:.0f}:fontcolor=white:borderw={max(1, 2 * unit):.0f}"
    style += ":bordercolor=black@0.7"
    name = graph.give(plan.name.encode())
    time = graph.give(f"%{{pts:gmtime:{plan.epoch}:%Y-%m-%d %H\\:%M\\:%S}}".encode())
    margin = round(22 * unit)
    graph.add(
        f"[near2]drawtext=textfile={name}:expansion=none:x={margin}:y=h-th-{margin}:{style},"
        f"drawtext=textfile={time}:x=w-tw-{margin}:y={margin}:{style},{_FULL}[out]"
    )


def _even(plan: Plan, width: float, height: float) -> tuple[int, int]:
    """Scale a size in units of the scene to pixels, even numbers."""
    return (
        max(2, round(width * plan.width / WIDTH / 2) * 2),
        max(2, round(height * plan.height / HEIGHT / 2) * 2),
    )
