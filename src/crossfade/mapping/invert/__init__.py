"""Derive the inverse of the mappings: SQL that rebuilds the source's records from the target's rows."""

from __future__ import annotations
