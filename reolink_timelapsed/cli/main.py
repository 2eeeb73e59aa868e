"""From the command line to an exit code: the one place where errors become text."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from reolink_timelapsed.cli.parser import build_parser
from reolink_timelapsed.errors import ConfigError, ExitCode, TimelapseError
from reolink_timelapsed.system.logs import set_up
from reolink_timelapsed.system.redact import Scrubber

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run a command and return its exit code."""
    scrubber = Scrubber()
    set_up(scrubber, verbose=False)
    _show_each_line()
    try:
        given = build_parser().parse_args(arguments)
        set_up(scrubber, verbose=given.verbose)
        return _run(given, scrubber)
    except ConfigError as error:
        for problem in error.problems:
            log.error("%s", problem)
        return error.exit_code
    except TimelapseError as error:
        if error.exit_code:
            log.error("%s", error)
        return error.exit_code
    except OSError as error:
        return _output_failed(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception:
        log.exception("this should not happen; please report it")
        return ExitCode.SOFTWARE


def _run(given: argparse.Namespace, scrubber: Scrubber) -> ExitCode:
    from reolink_timelapsed.cli import commands  # who only asks for help does not wait for it

    return commands.run(given, scrubber)


def _show_each_line() -> None:
    """Let who reads our output through a pipe see each line when it is written."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def _output_failed(error: OSError) -> ExitCode:
    """Say so; but whoever hangs up has read enough, as `head` has: then end as all commands do."""
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to come
        return ExitCode.NO_READER
    where = error.filename or "the output cannot be written"
    log.error("%s: %s", where, error.strerror or error)
    return ExitCode.DISK
