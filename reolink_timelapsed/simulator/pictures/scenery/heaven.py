"""What is seen in the sky of every scene, as SVG: stars, moon, sun, clouds."""

from typing import Final

from reolink_timelapsed.simulator.pictures.scenery.brush import HEIGHT, WIDTH, ellipse, rect, seeded

CLOUD_WIDTHS: Final = 3
CLOUD_UNITS: Final = (CLOUD_WIDTHS * WIDTH, HEIGHT)
"""The clouds of a day: so wide that no seam comes into view."""


def stars() -> str:
    """A night sky with a hint of the milky way."""
    rng = seeded(3)
    dots = [rect(0, 0, WIDTH, HEIGHT, "#000")]
    for i in range(900):
        x, y = rng.uniform(0, WIDTH), rng.uniform(0, 520)
        if i > 420:
            y = (x * 0.42 + rng.gauss(-60, 46)) % 520
        size = rng.choice([0.7, 0.8, 1.0, 1.3, 2.0]) if i <= 420 else 0.8
        bright = rng.uniform(0.35, 1.0) if i <= 420 else rng.uniform(0.15, 0.5)
        dots.append(ellipse(x, y, size, size, "#fff", f'opacity="{bright:.2f}"'))
    return "".join(dots)


def moon() -> str:
    """A waxing moon with a faint shine."""
    shine = '<radialGradient id="m"><stop offset="0.3" stop-color="#dfe8ff" stop-opacity="0.35"/>'
    shine += '<stop offset="1" stop-color="#dfe8ff" stop-opacity="0"/></radialGradient>'
    disc = '<path d="M45 26A19 19 0 0 1 45 64A27 27 0 0 0 45 26z" fill="#f3f1e0"/>'
    disc = '<circle cx="45" cy="45" r="19" fill="#cfd6e6" opacity="0.12"/>' + disc
    return shine + ellipse(45, 45, 44, 44, "url(#m)") + disc


def sun() -> str:
    stops = [(0.0, "#fffef4", 1.0), (0.17, "#fffdf0", 1.0), (0.21, "#fff3c8", 0.7)]
    stops += [(0.5, "#ffe9b0", 0.18), (1.0, "#ffe9b0", 0.0)]
    inner = "".join(
        f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{alpha}"/>'
        for at, colour, alpha in stops
    )
    return f'<radialGradient id="s">{inner}</radialGradient>' + ellipse(
        100, 100, 100, 100, "url(#s)"
    )


def clouds() -> str:
    """Grey noise in the shape of clouds, fading towards the horizon."""
    return (
        '<filter id="c" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">'
        '<feTurbulence type="fractalNoise" baseFrequency="0.004 0.011" numOctaves="6" seed="7"/>'
        '<feColorMatrix values="0 0 0 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 0 1"/></filter>'
        '<linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0.38" stop-color="#000"'
        ' stop-opacity="0"/><stop offset="0.62" stop-color="#000" stop-opacity="0.7"/>'
        "</linearGradient>"
        + rect(0, 0, *CLOUD_UNITS, "#000", 'filter="url(#c)"')
        + rect(0, 0, *CLOUD_UNITS, "url(#g)")
    )
