"""Changes of documents near the limit."""

from __future__ import annotations

from typing import Any

from following import running


def test_a_document_of_nine_megabytes_is_followed(live: Any) -> None:
    large = 9_000_000
    with running(live.move):
        for size in (large, large + 1):
            live.db.items.replace_one({"_id": 1}, {"size": size, "body": "y" * size})
        live.becomes("SELECT size, length(body) FROM items", [(large + 1, large + 1)])
