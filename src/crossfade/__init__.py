"""Crossfade carries a running application's data from one database to another, with nothing lost and a proof."""

from __future__ import annotations

__version__ = "0.1.0"
