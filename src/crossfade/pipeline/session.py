"""Where the session of a worker was: it is in runtime/session.py."""

from __future__ import annotations

from crossfade.runtime.session import Session, Work, session

__all__ = ["Session", "Work", "session"]
