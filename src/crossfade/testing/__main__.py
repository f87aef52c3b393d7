"""`python -m crossfade.testing`: run a MongoDB and a PostgreSQL server for experiments, until Ctrl-C."""

from __future__ import annotations

import signal
from contextlib import suppress

from crossfade.testing import mongodb, postgresql


def main() -> None:
    with suppress(KeyboardInterrupt), mongodb() as source, postgresql() as target:
        print(f"MongoDB     {source}\nPostgreSQL  {target}\nuntil Ctrl-C; then they are removed", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
