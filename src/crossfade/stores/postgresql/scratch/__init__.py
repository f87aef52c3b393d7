"""A database for trying a schema out."""

from __future__ import annotations
