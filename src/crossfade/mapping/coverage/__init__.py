"""How the mappings cover the source: in full, in part, or not at all."""

from __future__ import annotations
