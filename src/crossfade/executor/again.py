from __future__ import annotations

from crossfade.runtime.again import Tell, TryingAgain, again, again_from, in_silence

__all__ = ["Tell", "TryingAgain", "again", "again_from", "in_silence"]
