from __future__ import annotations

from crossfade.runtime.tasks import run_tasks

__all__ = ["run_tasks"]
