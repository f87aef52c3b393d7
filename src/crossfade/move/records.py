"""Print records and their values for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossfade.model.rejection import Rejected
from crossfade.records.codec import Codec


@dataclass(frozen=True)
class Records:
    """Prints the records of one source."""

    codec: Codec

    def key(self, key: str | None) -> str:
        """Return the text of a key, or of a value that is written like one."""
        return self.codec.readable(key)

    def document(self, raw: bytes) -> dict[str, Any]:
        """Return `document`, from which the record can be restored, or `bytes` in hex with the reason why it cannot be
        read.
        """
        try:
            return {"document": self.codec.json(raw), "bytes": None, "unreadable": None}
        except Rejected as error:
            return {"document": None, "bytes": raw.hex(), "unreadable": str(error)}

    def line(self, raw: bytes) -> str:
        return self.codec.line(raw)

    def lines(self, raw: bytes) -> str:
        return self.codec.lines(raw)
