"""What the segments of a JPEG say, held against the standard (ITU-T T.81, annex B).

Strict where a decoder may differ from another: what a segment holds must fill it exactly, and
every table that a scan uses must be in the picture itself. A video's decoder keeps the tables of
the picture before, so one that lacks some would look otherwise alone than in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reolink_timelapsed.errors import BadFrame
from reolink_timelapsed.frame import Size

DHT, DQT, DRI, SOS, APP14 = 0xC4, 0xDB, 0xDD, 0xDA, 0xEE
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
CODINGS = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC}
"""Frame headers; all but the first three are of codings that next to nothing can decode."""

MAX_SIDE = 16_384
MAX_PIXELS = 139_264 * 16 * 16
"""What an H.264 video can hold at all: x264's limit, and the macroblocks of its highest level."""

MIN_SIDE = 16
"""Pixels; a macroblock. Smaller ones are the work of damage."""

MAX_TABLES = 1_000
MAX_BLOCKS = 24_000_000
"""Huffman tables, and blocks of 8x8 summed over all scans: what bounds a decoder's work. The
largest picture takes 2 million in one scan of 4:4:4, and 10 million with ten progressive ones."""

_BLOCK = 8
_BLOCK_BITS = {BASELINE: 2, EXTENDED: 2, PROGRESSIVE: 1}
"""No code is shorter than a bit: one for the mean of a block, one for the rest of it."""


@dataclass(frozen=True, slots=True)
class Component:
    """A colour of the picture: sampling factors, and the quantisation table it uses."""

    across: int
    down: int
    quantiser: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame header: coding, size in pixels, and components by their names."""

    coding: int
    size: Size
    components: dict[int, Component]

    def blocks(self, name: int) -> int:
        """Return the blocks that a component has at least."""
        one = self.components[name]
        across = max(other.across for other in self.components.values())
        down = max(other.down for other in self.components.values())
        width, height = self.size
        columns = _up(_up(width * one.across, across), _BLOCK)
        return columns * _up(_up(height * one.down, down), _BLOCK)


@dataclass(slots=True)
class Syntax:
    """What the segments of a picture have said so far."""

    frame: Frame | None = None
    quantisers: set[int] = field(default_factory=set)
    huffman: set[tuple[int, int]] = field(default_factory=set)
    tables: int = 0
    blocks: int = 0
    borrows: bool = False
    """Whether it uses the tables of the standard without having them, as Motion JPEG may."""

    def take(self, marker: int, payload: bytes) -> None:
        """Take in a segment.

        Raises:
            BadFrame: if it breaks the standard, or what a picture may cost.
        """
        if marker in CODINGS:
            self._frame_header(marker, payload)
        elif marker == DQT:
            self._quantisers(payload)
        elif marker == DHT:
            self._huffman(payload)
        elif marker == SOS:
            self._scan(payload)
        elif marker == DRI and len(payload) != 2:
            raise BadFrame("damaged JPEG: bad restart interval")

    def see_that_it_fits(self, scan_bytes: int) -> Size:
        """Return the size, if there is picture data enough for it.

        Raises:
            BadFrame: if there is not, or no size.
        """
        if self.frame is None:
            raise BadFrame("JPEG without a frame header: its size is unknown")
        blocks = sum(map(self.frame.blocks, self.frame.components))
        if scan_bytes * 8 < blocks * _BLOCK_BITS[self.frame.coding]:
            width, height = self.frame.size
            raise BadFrame(f"JPEG cut short: {scan_bytes} bytes for {width}x{height} pixels")
        return self.frame.size

    def _frame_header(self, marker: int, payload: bytes) -> None:
        if marker not in _BLOCK_BITS:
            raise BadFrame(f"JPEG coded in a way that cannot be filmed (marker {marker:02X})")
        if self.frame:
            raise BadFrame("damaged JPEG: two frame headers")
        if len(payload) < 6 or len(payload) != 6 + 3 * payload[5] or not 1 <= payload[5] <= 4:
            raise BadFrame("damaged JPEG: bad frame header")
        height, width = _number(payload[1:3]), _number(payload[3:5])
        _see_size(width, height)
        components = {
            payload[at]: Component(payload[at + 1] >> 4, payload[at + 1] & 15, payload[at + 2])
            for at in range(6, len(payload), 3)
        }
        if len(components) != payload[5] or not all(map(_is_sound, components.values())):
            raise BadFrame("damaged JPEG: bad components")
        self.frame = Frame(marker, (width, height), components)

    def _quantisers(self, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            wide, name = payload[at] >> 4, payload[at] & 15
            at += 1 + 64 * (1 + wide)
            if wide > 1 or name > 3 or at > len(payload):
                raise BadFrame("damaged JPEG: bad quantisation table")
            self.quantisers.add(name)

    def _huffman(self, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            kind, name, counts = payload[at] >> 4, payload[at] & 15, payload[at + 1 : at + 17]
            at += 17 + sum(counts)
            if kind > 1 or name > 3 or at > len(payload) or not _is_code(counts):
                raise BadFrame("damaged JPEG: bad Huffman table")
            self.huffman.add((kind, name))
            self.tables += 1
        if self.tables > MAX_TABLES:
            raise BadFrame(f"JPEG with more than {MAX_TABLES} Huffman tables")

    def _scan(self, payload: bytes) -> None:
        if self.frame is None:
            raise BadFrame("damaged JPEG: picture data before the frame header")
        count = payload[0] if payload else 0
        if not 1 <= count <= 4 or len(payload) != 4 + 2 * count:
            raise BadFrame("damaged JPEG: bad scan header")
        for at in range(1, 2 * count, 2):
            self._component(self.frame, payload[at], payload[at + 1])
        if self.blocks > MAX_BLOCKS:
            width, height = self.frame.size
            raise BadFrame(f"JPEG of {width}x{height} in too many scans: takes too long to decode")

    def _component(self, frame: Frame, name: int, tables: int) -> None:
        if name not in frame.components:
            raise BadFrame("damaged JPEG: bad scan header")
        if frame.components[name].quantiser not in self.quantisers:
            raise BadFrame("damaged JPEG: a quantisation table is missing")
        for kind, table in ((0, tables >> 4), (1, tables & 15)):
            self._table(frame, kind, table)
        self.blocks += frame.blocks(name)

    def _table(self, frame: Frame, kind: int, table: int) -> None:
        if (kind, table) in self.huffman:
            return
        if table > (3 if frame.coding == PROGRESSIVE else 1):
            raise BadFrame("damaged JPEG: a Huffman table is missing")
        self.borrows = True


def _see_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise BadFrame(f"damaged JPEG: picture of {width}x{height}")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadFrame(f"picture of {width}x{height}: larger than a video can be")


def _is_sound(one: Component) -> bool:
    return 1 <= one.across <= 4 and 1 <= one.down <= 4 and one.quantiser <= 3


def _is_code(counts: bytes) -> bool:
    """Tell whether there are so many codes of 1 to 16 bits, none of them the start of another."""
    used = sum(count << (16 - length) for length, count in enumerate(counts, 1))
    return len(counts) == 16 and 0 < sum(counts) <= 256 and used <= 1 << 16


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _up(number: int, step: int) -> int:
    return -(-number // step)
