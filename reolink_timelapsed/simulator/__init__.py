"""A simulated Reolink NVR for tests, demo, soak and benchmarks; standard library only."""

from .cameras import (
    PictureError,
    PictureSource,
    Shot,
    SimulatedCamera,
    mosaic_picture,
    split_number,
)
from .clock import RealClock, SimClock
from .faults import Kind, Misbehaviour
from .mosaic import mosaic_jpeg, read_number
from .nvr import SimulatedNvr
from .question import Device
from .rules import Request
from .sessions import LoginPolicy
from .tls import make_certificate, server_context
from .weather import HANGING, random_faults

__all__ = [
    "HANGING",
    "Device",
    "Kind",
    "LoginPolicy",
    "Misbehaviour",
    "PictureError",
    "PictureSource",
    "RealClock",
    "Request",
    "Shot",
    "SimClock",
    "SimulatedCamera",
    "SimulatedNvr",
    "make_certificate",
    "mosaic_jpeg",
    "mosaic_picture",
    "random_faults",
    "read_number",
    "server_context",
    "split_number",
]
