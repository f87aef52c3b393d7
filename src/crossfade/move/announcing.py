"""Announce that the target is open: files, a webhook, commands. Failures are reported and change no stage."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from crossfade.project import Shifting
from crossfade.runtime.commands import SECONDS, failed


def announce(settings: Shifting, folder: Path, facts: Mapping[str, str]) -> list[str]:
    """Tell all of them. Return what failed, one sentence each."""
    return [*_written(settings, folder, facts), *_sent(settings.webhook, facts), *_run(settings, folder, facts)]


def cannot(settings: Shifting, folder: Path) -> list[str]:
    """Return what could not be announced, as far as can be seen without announcing it: one sentence each."""
    lost = [name for name in (settings.file, settings.environment_file) if name and not _takes_files(folder / name)]
    missing = [command for command in settings.after if not _is_there(command, folder)]
    return [*(f"{name} cannot be written" for name in lost), *(f"{command}: no such command" for command in missing)]


def _takes_files(path: Path) -> bool:
    return path.parent.is_dir() and os.access(path.parent, os.W_OK)


def _is_there(command: str, folder: Path) -> bool:
    try:
        name = shlex.split(command)[0]
    except (ValueError, IndexError):
        return False
    return shutil.which(folder.absolute() / name if "/" in name else name) is not None


def _written(settings: Shifting, folder: Path, facts: Mapping[str, str]) -> Iterator[str]:
    lines = "".join(f"CROSSFADE_{name.upper()}={value}\n" for name, value in facts.items())
    for name, text in ((settings.file, json.dumps(facts) + "\n"), (settings.environment_file, lines)):
        if name:
            try:
                _replace(folder / name, text)
            except OSError as error:
                yield f"{name} was not written: {error.strerror}"


def _replace(path: Path, text: str) -> None:
    """Replace a file so that readers see the old one or the new one, and never a part of it."""
    temporary = path.with_name(f".{path.name}.crossfade")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _sent(webhook: str, facts: Mapping[str, str]) -> Iterator[str]:
    if not webhook:
        return
    try:
        request = Request(webhook, json.dumps(facts).encode(), {"Content-Type": "application/json"}, method="POST")
        with urlopen(request, timeout=SECONDS):
            pass
    except (OSError, HTTPException, ValueError) as error:
        yield f"the webhook failed: {error}"


def _run(settings: Shifting, folder: Path, facts: Mapping[str, str]) -> Iterator[str]:
    for command in settings.after:
        if (how := failed(command, folder, facts)) is not None:
            yield f"{command}: {how}"
