"""Run the steps of a schema and be killed between a step and its record: `URL STEPS KILL_AT TOGETHER`.

`STEPS` is a file of pickled steps. `KILL_AT` counts them. `TOGETHER`: yes, if a step and its note are one transaction.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.pipeline.steps import run_steps
from crossfade.stores.contract import Store, need
from crossfade.stores.open import open_store


def without_transactional_ddl(store: Store) -> Store:
    """The same store, as if its DDL were not transactional."""
    return replace(store, traits=replace(store.traits, transactional_ddl=False))


def steps_in(store: Store, schema: str) -> list[Step]:
    found = need(store.ddl, store, "be looked into").scratch_schema(schema, "schema.sql")
    return [*found.pre, *found.post]


def main(url: str, steps: Sequence[Step], kill_at: int, *, together: bool) -> None:
    noted = journal.note_step

    def killed(tx: Any, step: Step) -> None:
        nonlocal kill_at
        kill_at -= 1
        if kill_at == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        noted(tx, step)

    journal.note_step = killed
    with open_store(url) as opened:
        store = opened if together else without_transactional_ddl(opened)
        run_steps(store, need(store.writer, store, "be written to").transaction, steps, lambda step: None)


if __name__ == "__main__":
    main(sys.argv[1], pickle.loads(Path(sys.argv[2]).read_bytes()), int(sys.argv[3]), together=sys.argv[4] == "yes")
