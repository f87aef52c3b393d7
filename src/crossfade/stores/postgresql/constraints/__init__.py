"""Rows that violate a constraint, found by the server itself."""

from __future__ import annotations
