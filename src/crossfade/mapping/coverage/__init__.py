"""What of the source the mappings cover: in full, in part, or not at all."""

from __future__ import annotations
