"""Read the server's catalog: the objects of a database, and the SQL that creates the same."""

from __future__ import annotations
