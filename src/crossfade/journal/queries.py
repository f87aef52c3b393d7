"""queries.sql as a mapping from name to statement: `-- name --`, one line that says what for, the statement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from crossfade.model.sql_files import statements

_HEAD = r"^-- (\w+) --\n-- .+\n"


@cache
def queries() -> Mapping[str, str]:
    return {name: body.strip().rstrip(";") for name, body in statements(__package__, "queries.sql", _HEAD).items()}
