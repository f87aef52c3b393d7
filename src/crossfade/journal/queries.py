"""queries.sql as a mapping from name to statement: `-- name --`, one line that says what for, the statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_HEAD = re.compile(r"^-- (\w+) --\n-- .+\n", re.MULTILINE)


@cache
def queries() -> Mapping[str, str]:
    text = resources.files("crossfade.journal").joinpath("queries.sql").read_text(encoding="utf-8")
    _, *pieces = _HEAD.split(text)
    names, bodies = pieces[::2], pieces[1::2]
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}
