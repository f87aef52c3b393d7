"""The command line: a thin file for each command. Tables for people, JSON for machines, progress on stderr."""

from __future__ import annotations
