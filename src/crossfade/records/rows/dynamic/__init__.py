"""Rows in which every value has a type of its own, whatever its column declares: SQLite's.

Keys and raw records have the form of all rows (`records/rows`). The text of a value says which of the five storage
classes it has (`values.py`), so that `7`, `7.0` and the text `7` are three values.
"""
