"""The command line: one thin file a command. A table for people, one JSON document for machines, progress on stderr."""

from __future__ import annotations
