"""What runs a mapping: records in, canonical rows of every target table out."""

from __future__ import annotations
