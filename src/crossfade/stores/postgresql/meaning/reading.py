"""The error that all parsers of literals raise."""

from __future__ import annotations


class Unread(Exception):
    """Raised for a text in an unsupported notation. Such texts are compared by spelling."""
