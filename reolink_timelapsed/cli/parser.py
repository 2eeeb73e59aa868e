"""The command line: its commands, flags and the help that teaches them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from reolink_timelapsed import __version__
from reolink_timelapsed.config import values
from reolink_timelapsed.config.places import DEFAULT_PATH
from reolink_timelapsed.errors import UsageError
from reolink_timelapsed.frame import parse_day

_Value = TypeVar("_Value")

_EXITS = """\
exit codes: 0 all is well, 1 a video could not be made or a camera is silent,
64 usage, 69 the NVR cannot be reached, 74 disk, 77 login refused, 78
configuration"""

_FIRST_STEPS = """\
first steps: `sudo reolink-timelapse setup`, `sudo reolink-timelapse test`,
then `sudo systemctl enable --now reolink-timelapse`. Without an NVR:
`reolink-timelapse demo`."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; a parsed command line has its command's name in `command`."""
    parser = _Parser(
        prog="reolink-timelapse",
        description="Timelapse videos of every camera of a Reolink NVR, a day each.",
        epilog=f"{_FIRST_STEPS}\n\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--config", type=_place, metavar="FILE", help=f"instead of {DEFAULT_PATH}")
    parser.add_argument("--verbose", action="store_true", help="tell of every retry, too")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_setup, _test, _capture, _stitch, _prune, _status, _demo):
        add(commands)
    return parser


def _command(commands: Any, name: str, text: str, more: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}. {more}".strip(),
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _setup(commands: Any) -> None:
    parser = _command(
        commands,
        "setup",
        "ask for the NVR, user and password, try them, and write them down",
        "Nothing is written before\nthe NVR has accepted them.",
    )
    parser.add_argument("--host", help="name or address of the NVR; do not ask")
    parser.add_argument("--username", metavar="NAME", help="a user of the NVR; do not ask")
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    parser.add_argument("--no-test", action="store_true", help="write without trying them")
    parser.add_argument(
        "--data-dir",
        type=_place,
        metavar="DIR",
        help="put frames and videos there: makes the folder, and opens it to the units",
    )


def _test(commands: Any) -> None:
    _command(
        commands,
        "test",
        "look at the NVR, its cameras, the disk and ffmpeg, and say what is there",
        "The exit code\ntells the first thing that is wrong.",
    )


def _capture(commands: Any) -> None:
    _command(
        commands,
        "capture",
        "take the snapshots until told to stop: the daemon",
        "Usually run by\n`systemctl enable --now reolink-timelapse`.",
    )


def _stitch(commands: Any) -> None:
    parser = _command(
        commands,
        "stitch",
        "make the videos of all finished days that have none yet",
        "The hours that have\nended are encoded ahead.",
    )
    days = parser.add_argument_group("which frames")
    days.add_argument("--now", action="store_true", help="publish today's frames so far, too")
    days.add_argument(
        "--date", type=_day, dest="day", metavar="DAY", help="this day alone (2026-11-22)"
    )
    days.add_argument("--from", type=_day, dest="first", metavar="DAY", help="one film from DAY")
    days.add_argument("--to", type=_day, dest="last", metavar="DAY", help="... to DAY, inclusive")
    days.add_argument("--camera", metavar="CAMERA", help="this one alone: folder, name or number")
    days.add_argument(
        "--daily-time",
        type=_setting(values.clock_time),
        metavar="HH:MM",
        help="one frame a day, at that",
    )
    days.add_argument("--every-n-frames", type=_count, metavar="N", help="use every Nth frame")
    film = parser.add_argument_group("how")
    film.add_argument(
        "--fps",
        type=_setting(values.frame_rate),
        metavar="N",
        help="frames per second of the video",
    )
    film.add_argument("--output", type=Path, metavar="DIR", help="put the videos there")
    film.add_argument("--force", action="store_true", help="make them again, whatever there is")
    film.add_argument("--dry-run", action="store_true", help="say what would be made")


def _prune(commands: Any) -> None:
    parser = _command(
        commands,
        "prune",
        "remove frames and videos that are older than the configuration keeps them",
        "Frames\nwithout a proven video always stay.",
    )
    parser.add_argument("--dry-run", action="store_true", help="name what would be removed")


def _status(commands: Any) -> None:
    parser = _command(
        commands,
        "status",
        "show today and the last week: frames, gaps, disk, videos",
        "Exits with 1 when a camera\nhas had no frame for long, so that any monitor can use it.",
    )
    parser.add_argument("--json", action="store_true", help="for machines")


def _demo(commands: Any) -> None:
    parser = _command(
        commands,
        "demo",
        "a simulated NVR, a simulated day, real videos, in under a minute",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("demo"), metavar="DIR", help="where (default: ./demo)"
    )


def _place(text: str) -> Path:
    return Path(text).absolute()


def _day(text: str) -> date:
    day = parse_day(text)
    if day is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-11-22")
    return day


def _setting(read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Return what reads an option as the setting of that kind is read."""

    def parse(text: str) -> _Value:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"it {error}") from None

    return parse


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
