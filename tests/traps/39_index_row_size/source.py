from __future__ import annotations

import random
from typing import Any


def fill(db: Any) -> None:
    """Text that does not become shorter when it is compressed."""
    any_text = random.Random(39)
    for n, size in enumerate((10, 2600, 3000, 9000)):
        db.pages.insert_one({"_id": n, "url": any_text.randbytes(size // 2).hex()})
