"""Rows of SQL databases as records.

A key is a JSON array of the texts of the key's columns, in order: `["7"]`, `["2024-01-26","a"]`. A raw record is one
line of JSON, `{"key":["7"],"row":{"id":"7","name":null}}`: every column as the server prints it under fixed settings,
or null. It is lossless, and made only for the records that are set aside: rows go from the server to the mapping as
Arrow.

A value has the same text in a key, in a raw record, and as a value of the engine (`texts.py`).
"""
