"""A SQLite file as a source: its tables, and how rows are read from it."""
