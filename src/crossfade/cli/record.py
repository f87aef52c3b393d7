"""Show a raw document: as mongosh prints it (for programs as canonical Extended JSON), or as bytes if it cannot be
read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossfade.cli.screen import Screen
from crossfade.move.records import Records

SHOWN_BYTES = 4096


def draw_record(screen: Screen, records: Records, document: dict[str, Any], raw: bytes) -> None:
    if document["document"] is not None:
        screen.line(records.lines(raw))
        return
    screen.line(f"this record cannot be read ({document['unreadable']}); its {len(raw):,} bytes:")
    for line in hex_dump(raw[:SHOWN_BYTES]):
        screen.line(line)
    if len(raw) > SHOWN_BYTES:
        screen.line(f"... {len(raw) - SHOWN_BYTES:,} more (--json prints all)")


def hex_dump(raw: bytes) -> Iterator[str]:
    """Yield lines of an offset, sixteen bytes, and the printable characters among them.

    >>> list(hex_dump(b"ab\\0"))
    ['00000000  61 62 00                                         |ab.|']
    """
    for at in range(0, len(raw), 16):
        piece = raw[at : at + 16]
        letters = "".join(chr(b) if 32 <= b < 127 else "." for b in piece)
        yield f"{at:08x}  {piece.hex(' '):<47}  |{letters}|"
