"""The server's own catalogue: what a database holds, and the SQL that makes the like of it."""

from __future__ import annotations
