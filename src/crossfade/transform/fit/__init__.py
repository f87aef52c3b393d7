"""Values fitted to the columns of the target: exactly, or not at all."""

from __future__ import annotations
