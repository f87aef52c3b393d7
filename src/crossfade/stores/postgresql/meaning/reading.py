"""What the readers of literals share."""

from __future__ import annotations


class Unread(Exception):
    """The text is in a form that we do not read. Whether it means the same as another is then decided by spelling."""
