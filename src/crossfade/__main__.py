"""`python -m crossfade`."""

from __future__ import annotations

import sys

from crossfade.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
