"""The NVR's password: where it may stand, and which one counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reolink_timelapsed import config, values
from reolink_timelapsed.config import Config, NvrConfig
from reolink_timelapsed.errors import ConfigError

CREDENTIAL = "password"
"""The name of the systemd credential that holds it."""


def load_with_settings(path: Path | None, environ: Mapping[str, str]) -> tuple[Config, str]:
    """Read the settings, and the password, for a command that speaks to the NVR.

    Raises:
        ConfigError: with every problem of both.
    """
    settings, problems, is_known = config.read(path, environ, needs_nvr=True)
    try:
        found = password(settings.nvr, environ, settings.setup) if is_known else ""
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return settings, found


def password(
    nvr: NvrConfig, environ: Mapping[str, str], setup: str = config.setup_command(None)
) -> str:
    """Return the password: systemd credential, environment, `password_file`, `password`.

    The first that is there and not empty counts; a newline at its end is not part of it.

    Raises:
        ConfigError: there is none, it cannot be read, or no NVR would take it.
    """
    for where, text in _passwords(nvr, environ):
        if text:
            try:
                return values.secret(text)
            except ValueError as error:
                raise ConfigError([f"{where} {error}."]) from None
    problem = (
        f"there is no password for the NVR, neither in {nvr.password_file} nor in NVR_PASSWORD:"
        f" run `{setup}`."
    )
    raise ConfigError([problem])


def _passwords(nvr: NvrConfig, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    if credentials:
        yield f"The credential {CREDENTIAL}", _first_line(Path(credentials, CREDENTIAL))
    yield "environment: NVR_PASSWORD", config.unquoted(environ.get("NVR_PASSWORD", ""))
    yield f"{nvr.password_file}", _first_line(nvr.password_file)
    yield "nvr.password", nvr.password


def _first_line(path: Path) -> str:
    """Return what a password file holds, "" if there is no such file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        remedy = f"{error.strerror or error}: run the command with sudo, or look at its mode"
        raise ConfigError([f"{path} cannot be read ({remedy})."]) from error
    except UnicodeDecodeError:
        raise ConfigError([f"{path} is not UTF-8 text: write the password anew."]) from None
    return text.removesuffix("\n").removesuffix("\r")
