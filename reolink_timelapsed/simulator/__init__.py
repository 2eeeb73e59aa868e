"""A simulated Reolink NVR for tests, demo, soak and benchmarks; standard library only."""

from reolink_timelapsed.simulator.clock import RealClock, SimClock
from reolink_timelapsed.simulator.device.cameras import (
    PictureError,
    PictureSource,
    Shot,
    SimulatedCamera,
    mosaic_picture,
    split_number,
)
from reolink_timelapsed.simulator.device.question import Device
from reolink_timelapsed.simulator.device.sessions import LoginPolicy
from reolink_timelapsed.simulator.faults.faults import Kind, Misbehaviour
from reolink_timelapsed.simulator.faults.random import HANGING, random_faults
from reolink_timelapsed.simulator.http.tls import make_certificate, server_context
from reolink_timelapsed.simulator.nvr import SimulatedNvr
from reolink_timelapsed.simulator.pictures.mosaic import mosaic_jpeg, read_number
from reolink_timelapsed.simulator.rules import Request

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
