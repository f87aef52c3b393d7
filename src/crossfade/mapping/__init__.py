"""Mappings: their language, what they cover of the source, and where each column comes from."""

from __future__ import annotations
