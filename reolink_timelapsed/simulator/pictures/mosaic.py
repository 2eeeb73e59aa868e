"""Instant JPEG pictures of flat squares that carry a number; no decoder, no drawing library.

The picture is a grid of 8 x 6 squares, light for a one and dark for a zero: 40 bits of number
and 8 bits of checksum, most significant first, row by row. The squares are large, so the number
survives scaling and H.264. Every 8x8 block of the JPEG is flat (its DC coefficient alone), every
row of MCUs is a restart interval of its own, and rows are cached: a 4K picture takes a few
milliseconds at first and well under one after that.
"""

from functools import lru_cache
from typing import Final, Literal, NamedTuple

Sampling = Literal["4:2:0", "4:2:2", "4:4:4", "grey"]

COLUMNS: Final = 8
ROWS: Final = 6
NUMBER_BITS: Final = 40
LARGEST_NUMBER: Final = (1 << NUMBER_BITS) - 1
SMALLEST: Final = (192, 144)
"""Pixels; below this a square's middle might lie in the MCU of another."""

_DARK: Final = 50
_LIGHT: Final = 205
_CONTRAST: Final = 60
_PATCH: Final = 5
"""Pixels on a side of what is averaged when a square is read."""

# Code lengths of the standard luminance DC table (ITU-T T.81, K.3), and an AC table whose only
# word is "end of block" in one bit.
_DC_COUNTS: Final = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
_DC_CODES: Final = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110")
_AC_COUNTS: Final = bytes([1] + [0] * 15)
_END_OF_BLOCK: Final = "0"

_FACTORS: Final[dict[Sampling, tuple[int, int]]] = {
    "4:2:0": (2, 2),
    "4:2:2": (2, 1),
    "4:4:4": (1, 1),
    "grey": (1, 1),
}
_HUES: Final = ((150, 120), (110, 150), (120, 105), (105, 118), (140, 140), (128, 112))


class _Look(NamedTuple):
    """Everything the rows of a picture have in common."""

    width: int
    height: int
    sampling: Sampling
    chroma: tuple[int, int]

    def mcus(self) -> tuple[int, int]:
        """Columns and rows of MCUs."""
        across, down = _FACTORS[self.sampling]
        return -(-self.width // (8 * across)), -(-self.height // (8 * down))


def mosaic_jpeg(
    number: int,
    width: int,
    height: int,
    *,
    sampling: Sampling = "4:2:0",
    hue: int = 0,
    min_bytes: int = 0,
) -> bytes:
    """Make a baseline JPEG of width x height pixels (at least 192 x 144) that carries `number`.

    `hue` picks a colour, so that cameras can be told apart by eye. Comment segments pad the file
    to `min_bytes`. Raises ValueError for a number of more than 40 bits or a picture too small.
    """
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError(f"{number} does not fit in {NUMBER_BITS} bits")
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise ValueError(f"{width}x{height} is too small to carry a number")
    look = _Look(width, height, sampling, _HUES[hue % len(_HUES)])
    bits = f"{number:040b}{_checksum(number):08b}"
    scan = _scan(look, bits)
    header = _header(look)
    padding = _padding(min_bytes - len(header) - len(scan) - 4)
    return b"".join((b"\xff\xd8", padding, header, scan, b"\xff\xd9"))


def read_number(grey: bytes, width: int, height: int) -> int | None:
    """Read the number back from a raw 8-bit grey frame (width x height bytes, row by row).

    None when the squares are not plainly dark or light, or contradict their checksum. Raises
    ValueError for a wrong length.
    """
    if len(grey) != width * height:
        raise ValueError(f"{len(grey)} bytes are no {width}x{height} frame")
    levels = [
        _level(grey, width, (2 * column + 1) * width // 16, (2 * row + 1) * height // 12)
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    middle, contrast = (max(levels) + min(levels)) / 2, max(levels) - min(levels)
    if contrast < _CONTRAST or any(abs(level - middle) < contrast / 4 for level in levels):
        return None
    value = int("".join("1" if level > middle else "0" for level in levels), 2)
    number = value >> 8
    return number if _checksum(number) == value & 0xFF else None


def _level(grey: bytes, width: int, x: int, y: int) -> float:
    """Average a small patch around a point."""
    first = (y - _PATCH // 2) * width + x - _PATCH // 2
    rows = (grey[first + i * width : first + i * width + _PATCH] for i in range(_PATCH))
    return sum(map(sum, rows)) / _PATCH**2


def _checksum(number: int) -> int:
    """CRC-8 with the complement taken, so that neither all dark nor all light is a number."""
    crc = 0xFF
    for byte in number.to_bytes(NUMBER_BITS // 8, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ 0xFF


def _scan(look: _Look, bits: str) -> bytes:
    """Entropy-coded data: one cached row per line of MCUs, with restart markers between."""
    across, down = look.mcus()
    edges = [round(i * look.height / ROWS / (8 * _FACTORS[look.sampling][1])) for i in range(ROWS)]
    patterns = [bits[i * COLUMNS : (i + 1) * COLUMNS] for i in range(ROWS)]
    parts: list[bytes] = []
    for square, (top, bottom) in enumerate(zip(edges, [*edges[1:], down], strict=True)):
        row = _row(look, across, patterns[square])
        parts.extend(part for i in range(top, bottom) for part in (row, _RESTART[i % 8]))
    return b"".join(parts[:-1])


_RESTART: Final = [bytes([0xFF, 0xD0 + i]) for i in range(8)]


@lru_cache(maxsize=4096)
def _row(look: _Look, across: int, pattern: str) -> bytes:
    """Encode one line of MCUs with eight squares across."""
    mcu_width = 8 * _FACTORS[look.sampling][0]
    edges = [round(i * look.width / COLUMNS / mcu_width) for i in range(COLUMNS)] + [across]
    before = (0, 0, 0)
    code = []
    for square, bit in enumerate(pattern):
        after = (_LIGHT if bit == "1" else _DARK, *look.chroma)
        after = (after[0] - 128, after[1] - 128, after[2] - 128)
        code.append(_mcu(look.sampling, before, after))
        code.append(_mcu(look.sampling, after, after) * (edges[square + 1] - edges[square] - 1))
        before = after
    return _pack("".join(code))


def _mcu(sampling: Sampling, before: tuple[int, int, int], after: tuple[int, int, int]) -> str:
    """Bits of one flat MCU, given the DC values of the one before it."""
    luma = [after[0] - before[0], *[0] * (_blocks(sampling) - 1)]
    chroma = [] if sampling == "grey" else [after[1] - before[1], after[2] - before[2]]
    return "".join(_difference(step) + _END_OF_BLOCK for step in luma + chroma)


def _blocks(sampling: Sampling) -> int:
    across, down = _FACTORS[sampling]
    return across * down


def _difference(step: int) -> str:
    """Huffman code and extra bits of a DC difference."""
    size = abs(step).bit_length()
    if size == 0:
        return _DC_CODES[0]
    return _DC_CODES[size] + f"{step if step > 0 else step + (1 << size) - 1:0{size}b}"


def _pack(bits: str) -> bytes:
    """Turn bits into bytes: fill up with ones, put a zero after every FF."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


@lru_cache(maxsize=256)
def _header(look: _Look) -> bytes:
    """All segments between the start marker and the entropy-coded data."""
    components = [(1, _FACTORS[look.sampling])]
    if look.sampling != "grey":
        components += [(2, (1, 1)), (3, (1, 1))]
    frame = b"\x08" + look.height.to_bytes(2, "big") + look.width.to_bytes(2, "big")
    frame += bytes([len(components)])
    frame += b"".join(bytes([name, h << 4 | v, 0]) for name, (h, v) in components)
    scan = bytes([len(components)]) + b"".join(bytes([name, 0]) for name, _ in components)
    return b"".join(
        (
            _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            _segment(0xDB, b"\x00" + b"\x08" * 64),
            _segment(0xC0, frame),
            _segment(0xC4, b"\x00" + _DC_COUNTS + bytes(range(12))),
            _segment(0xC4, b"\x10" + _AC_COUNTS + b"\x00"),
            _segment(0xDD, look.mcus()[0].to_bytes(2, "big")),
            _segment(0xDA, scan + b"\x00\x3f\x00"),
        )
    )


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def _padding(size: int) -> bytes:
    """Comment segments of at least `size` bytes in all."""
    if size <= 0:
        return b""
    whole = _segment(0xFE, b"mosaic " * 9000)
    return whole * (size // len(whole)) + _segment(0xFE, b"m" * (size % len(whole)))
