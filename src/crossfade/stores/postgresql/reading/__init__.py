"""Read rows from PostgreSQL."""

from __future__ import annotations
