"""A disk with a volatile write cache, and a plug to pull: what was not flushed may be lost.

qemu reaches it by NBD over a socket. A write is kept in memory until the machine asks for a flush;
when the plug is pulled, each block keeps what it was at the last flush, or gets one of the
versions written since, at random and in no order, as on a disk that reorders its cache.
Protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
"""

from __future__ import annotations

import os
import random
import socket
import struct
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

BLOCK = 4096
"""Bytes that the disk writes whole or not at all; the machine is told to write no less."""

_OPTION_MAGIC = 0x49484156454F5054
_OPTION_REPLY = 0x3E889045565A9
_REPLY = 0x67446698
_FIXED_NEWSTYLE = 1
_HAS_FLAGS, _SEND_FLUSH = 1, 4
_ABORT, _GO = 2, 7
_ACK, _INFO, _UNSUPPORTED = 1, 3, 2**31 + 1
_EXPORT, _BLOCK_SIZE = 0, 3
_READ, _WRITE, _DISCONNECT, _FLUSH = range(4)
_LARGEST = 32 * 1024 * 1024
_EINVAL = 22


class Disk:
    """An image file behind a cache; `address` is where one machine after the other finds it."""

    def __init__(self, image: Path, address: Path) -> None:
        self.address = address
        self._file = os.open(image, os.O_RDWR)
        self._size = image.stat().st_size
        self._at_risk: dict[int, list[bytes]] = {}
        self._has_power = True
        self._lock = Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen(1)
        self._server = Thread(target=self._serve, daemon=True)
        self._server.start()

    def close(self) -> None:
        """Serve no more; the machine must be gone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._server.join()
        self._listener.close()
        os.close(self._file)

    @property
    def at_risk(self) -> int:
        """How many blocks the cache holds."""
        return len(self._at_risk)

    def pull_the_plug(self, chance: random.Random) -> tuple[int, int]:
        """Write nothing any more. Return how many blocks were at risk, and how many are lost."""
        with self._lock:
            self._has_power = False
            at_risk, self._at_risk = self._at_risk, {}
        share, lost = chance.random(), 0
        for block, versions in at_risk.items():
            if chance.random() < share:
                os.pwrite(self._file, chance.choice(versions), block * BLOCK)
            else:
                lost += 1
        return len(at_risk), lost

    def plug_in(self) -> None:
        with self._lock:
            self._has_power = True

    def act(self, kind: int, offset: int, length: int, data: bytes = b"") -> bytes:
        """Read, write or flush whole blocks; return what was read.

        Raises:
            EOFError: if there is no power.
        """
        with self._lock:
            if not self._has_power:
                raise EOFError
            if kind == _READ:
                return self._read(offset, length)
            if kind == _WRITE:
                for at in range(0, length, BLOCK):
                    versions = self._at_risk.setdefault((offset + at) // BLOCK, [])
                    versions.append(data[at : at + BLOCK])
            elif kind == _FLUSH:
                for block, versions in self._at_risk.items():
                    os.pwrite(self._file, versions[-1], block * BLOCK)
                self._at_risk = {}
        return b""

    def _read(self, offset: int, length: int) -> bytes:
        found = bytearray(os.pread(self._file, length, offset))
        for at in range(0, length, BLOCK):
            if versions := self._at_risk.get((offset + at) // BLOCK):
                found[at : at + BLOCK] = versions[-1]
        return bytes(found)

    # The socket

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with connection, suppress(EOFError, OSError):  # the machine is gone, or the power
                if self._agree(connection):
                    self._obey(connection)

    def _agree(self, machine: socket.socket) -> bool:
        """Negotiate; return whether the machine wants the disk."""
        _send(machine, ">8sQH", b"NBDMAGIC", _OPTION_MAGIC, _FIXED_NEWSTYLE)
        _take(machine, ">I")
        while True:
            _, option, length = _take(machine, ">QII")
            _read(machine, length)
            if option == _GO:
                for info in (
                    struct.pack(">HQH", _EXPORT, self._size, _HAS_FLAGS | _SEND_FLUSH),
                    struct.pack(">HIII", _BLOCK_SIZE, BLOCK, BLOCK, _LARGEST),
                ):
                    _send(machine, ">QIII", _OPTION_REPLY, option, _INFO, len(info), after=info)
            answer = _ACK if option in {_GO, _ABORT} else _UNSUPPORTED
            _send(machine, ">QIII", _OPTION_REPLY, option, answer, 0)
            if answer == _ACK:
                return bool(option == _GO)

    def _obey(self, machine: socket.socket) -> None:
        while True:
            _, _, kind, handle, offset, length = _take(machine, ">IHHQQI")
            if kind == _DISCONNECT:
                return
            data = _read(machine, length) if kind == _WRITE else b""
            fits = offset % BLOCK == length % BLOCK == 0
            answer = self.act(kind, offset, length, data) if fits else b""
            _send(machine, ">IIQ", _REPLY, 0 if fits else _EINVAL, handle, after=answer)


def _send(machine: socket.socket, form: str, *values: int | bytes, after: bytes = b"") -> None:
    machine.sendall(struct.pack(form, *values) + after)


def _take(machine: socket.socket, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, _read(machine, struct.calcsize(form)))


def _read(machine: socket.socket, length: int) -> bytes:
    data = machine.recv(length, socket.MSG_WAITALL)
    if len(data) < length:
        raise EOFError
    return data
