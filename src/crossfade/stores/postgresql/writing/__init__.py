"""What makes canonical rows into rows of PostgreSQL."""

from __future__ import annotations
