"""What systemd wants to hear: ready, alive, what is going on, stopping."""

from __future__ import annotations

import sdnotify


class Notifier:
    """Speaks to the socket in NOTIFY_SOCKET; without one every call does nothing."""

    def __init__(self) -> None:
        self._systemd = sdnotify.SystemdNotifier()

    def ready(self) -> None:
        self._systemd.notify("READY=1")

    def ping(self) -> None:
        """Tell the watchdog that the daemon is alive."""
        self._systemd.notify("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show `text` in `systemctl status`.

        Sent by itself and in printable ASCII: sdnotify encodes Latin-1 and drops a message with
        any other character whole, silently.
        """
        printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
        self._systemd.notify(f"STATUS={printable}")

    def stopping(self) -> None:
        self._systemd.notify("STOPPING=1")
