"""Run the commands that a project names: without a shell, in its folder, in a session that Ctrl-C does not reach."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

SECONDS = 30.0
"""How long a command may take, unless the caller says otherwise."""


def failed(
    command: str, folder: Path, facts: Mapping[str, str] | None = None, *, seconds: float | None = SECONDS
) -> str | None:
    """Run a command; return how it failed, or None. It has `seconds`, or as many as it takes. `facts` become variables
    of its environment.
    """
    try:
        return refusal(command, folder, facts, seconds=seconds)
    except (OSError, ValueError) as error:
        return f"cannot be started: {error}"


def refusal(
    command: str, folder: Path, facts: Mapping[str, str] | None = None, *, seconds: float | None = SECONDS
) -> str | None:
    """Like `failed`, but raise OSError or ValueError if the command cannot be started."""
    environment = {**os.environ, **{f"CROSSFADE_{name.upper()}": value for name, value in (facts or {}).items()}}
    try:
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=seconds,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {seconds:g} s"
    said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return None if done.returncode == 0 else ": ".join([f"exit status {done.returncode}", *said])
