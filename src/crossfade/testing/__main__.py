"""`python -m crossfade.testing`: run a MongoDB and a PostgreSQL server for experiments, until Ctrl-C."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from contextlib import suppress

from crossfade.testing import MONGODB_URL, POSTGRESQL_URL, mongodb, postgresql

_PROGRAM = "python -m crossfade.testing"
_HELP = f"""\
Run a MongoDB and a PostgreSQL server for experiments, print their URLs, and remove both at Ctrl-C. Where
{MONGODB_URL} or {POSTGRESQL_URL} is set, that server is used and nothing is started.
"""


def main() -> None:
    ArgumentParser(_PROGRAM, description=_HELP, allow_abbrev=False).parse_args()
    with suppress(KeyboardInterrupt), mongodb() as source, postgresql() as target:
        print(f"MongoDB     {source}\nPostgreSQL  {target}\nuntil Ctrl-C; then they are removed", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
