"""From the text of a mapping file to a Program (model/program.py): parsed, resolved, rewritten for the engine."""

from __future__ import annotations
