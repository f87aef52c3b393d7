"""What reads rows of PostgreSQL."""

from __future__ import annotations
