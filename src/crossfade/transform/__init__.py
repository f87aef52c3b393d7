"""Run a mapping: convert records to canonical rows of every target table."""

from __future__ import annotations
