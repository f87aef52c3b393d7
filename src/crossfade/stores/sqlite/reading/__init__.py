"""A SQLite file as a source: what it holds, and how rows are read from it."""
