"""How long the check of a picture takes, whatever its bytes are.

    python benchmarks/check_pictures.py [--mb 16]

Prints, for pictures of that size as hostile as can be thought of, and for a plain one, the
processor time of the check (best of seven, ms) and what it says.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from reolink_timelapsed.errors import BadFrame
from reolink_timelapsed.media import jpeg
from tests.jpegs import EOI, SOI, grey, segment

BODY = grey(4096, 2160)[:-2]


def members(size: int) -> dict[str, bytes]:
    """Return pictures of about `size` bytes, by what they are full of."""
    noise = random.Random(1).randbytes(size).replace(b"\xff", b"\xff\x00")[:size]
    filling = b"\xff" * size
    return {
        "plain": BODY + noise + EOI,
        "zeros after the end": BODY + EOI + bytes(size),
        "filling after the end": BODY + EOI + filling,
        "filling in the header": SOI + filling + BODY[2:] + EOI,
        "filling in the picture": BODY + filling + EOI,
        "filling now and then": BODY + (b"\xff" * 64 + b"\x00") * (size // 65) + EOI,
        "stuffed FFs": BODY + b"\xff\x00" * (size // 2) + EOI,
        "restart markers": BODY + b"\xff\xd0" * (size // 2) + EOI,
        "small segments": SOI + segment(0xE0, b"") * (size // 4) + BODY[2:] + EOI,
        "large segments": SOI + segment(0xE1, bytes(60_000)) * (size // 60_000) + BODY[2:] + EOI,
        "tables": SOI + segment(0xC4, BODY[-418:][:1]) * (size // 5) + BODY[2:] + EOI,
        "no end": BODY + noise,
    }


def measured(data: bytes) -> tuple[float, str]:
    best = float("inf")
    for _ in range(7):
        began = time.process_time()
        try:
            said = "{}x{}".format(*jpeg.picture_size(data))
        except BadFrame as error:
            said = str(error)
        best = min(best, time.process_time() - began)
    return best * 1000, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=16)
    given = parser.parse_args()
    print("| full of | ms | it says |\n|---|---|---|")
    for name, data in members(given.mb * 1_000_000).items():
        took, said = measured(data)
        print(f"| {name} | {took:.1f} | {said} |")


if __name__ == "__main__":
    main()
