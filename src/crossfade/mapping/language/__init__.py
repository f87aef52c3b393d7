"""Compile mapping files to a Program (model/program.py): parse, resolve, rewrite for the engine."""

from __future__ import annotations
