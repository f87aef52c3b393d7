"""Rows that break a constraint, found by the server itself."""

from __future__ import annotations
