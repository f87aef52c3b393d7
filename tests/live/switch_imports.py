"""What the processes of switch_run.py need, imported once, before they are forked."""

from __future__ import annotations

import crossfade.__main__
import crossfade.cli.app
import crossfade.cli.cutover
import crossfade.cli.rollback
import crossfade.cli.start
import crossfade.move
import crossfade.stores.mongodb.store
import crossfade.stores.postgresql.store  # noqa: F401
