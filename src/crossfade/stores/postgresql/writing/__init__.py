"""Write canonical rows to PostgreSQL."""

from __future__ import annotations
