"""The command line: wiring, exit codes, and the commands given by hand. Nobody imports it."""

from reolink_timelapsed.cli.main import main

__all__ = ["main"]
