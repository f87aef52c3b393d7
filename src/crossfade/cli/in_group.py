"""Commands that a message recommends, for the group of entities that the call was about."""

from __future__ import annotations

import re

COMMANDS = (
    "survey show",
    "survey",
    "check",
    "preview",
    "schema show",
    "schema apply",
    "schema diagram",
    "schema diff",
    "copy",
    "start",
    "stop",
    "verify",
    "rehearse",
    "cutover",
    "rollback",
    "finish",
    "repair",
    "run",
    "status",
    "quarantine list",
    "quarantine show",
    "quarantine retry",
    "quarantine discard",
    "invert",
    "reset",
    "explain",
)
"""Those that are about a group if one is named; longer names come first."""

_NAMED = re.compile(rf"\bcrossfade (?:{'|'.join(COMMANDS)})\b(?! --group)")


def in_group(text: str, group: str) -> str:
    """Return the text with `--group` added to the commands in it.

    >>> in_group("crossfade quarantine list, then crossfade start --for 2h", "billing")
    'crossfade quarantine list --group billing, then crossfade start --group billing --for 2h'
    """
    return _NAMED.sub(lambda found: f"{found[0]} --group {group}", text) if group else text
