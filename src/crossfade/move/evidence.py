"""The files that finished moves leave in the project's folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path


def file_of(folder: Path, moment: datetime, group: str = "") -> Path:
    """Return the file of a move, or of a group of it, that is finished at this moment."""
    return folder / f"evidence-{_of(group)}{moment.strftime('%Y%m%dT%H%M%S')}.jsonl"


def newest(folder: Path, group: str = "") -> Path | None:
    """Return the file of the move (or of this group) that was finished last, if there is one."""
    return max(folder.glob(f"evidence-{_of(group)}[0-9]*.jsonl"), default=None)


def _of(group: str) -> str:
    return f"{group}-" if group else ""
