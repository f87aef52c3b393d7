"""The program, called in this process: it starts in a second less than as a process of its own."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest import mock

from crossfade.cli.app import main


@dataclass(frozen=True)
class Ended:
    """How a call of the program ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def call(*arguments: str, **environment: str) -> Ended:
    """Calls the program in this process."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    return Ended(status, out.getvalue(), err.getvalue())
