"""What systemd wants to hear: ready, alive, what is going on, stopping."""

from __future__ import annotations

import os
import weakref

import sdnotify


class Notifier:
    """Speaks to the socket in NOTIFY_SOCKET; without one every call does nothing."""

    def __init__(self) -> None:
        self._systemd = sdnotify.SystemdNotifier() if os.environ.get("NOTIFY_SOCKET") else None
        if self._systemd and self._systemd.socket:
            weakref.finalize(self, self._systemd.socket.close)

    def ready(self) -> None:
        self._send("READY=1")

    def ping(self) -> None:
        """Tell the watchdog that the daemon is alive."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show `text` in `systemctl status`.

        Sent by itself and in printable ASCII: sdnotify encodes Latin-1 and drops a message with
        any other character whole, silently.
        """
        printable = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
        self._send(f"STATUS={printable}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._systemd:
            self._systemd.notify(message)
