"""BSON values for which pymongo has no class.

pymongo reads undefined as None, a symbol as text and a DBPointer as a DBRef: three values that could not be written
back. None of these classes is a subclass of the class it resembles, so nothing downstream can mistake one for the
other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bson import ObjectId
from bson.regex import Regex


@dataclass(frozen=True, slots=True)
class Undefined:
    """BSON type 0x06, deprecated since 2010 and still in old databases."""


@dataclass(frozen=True, slots=True)
class Symbol:
    text: str


@dataclass(frozen=True, slots=True)
class DBPointer:
    namespace: str
    id: ObjectId


@dataclass(frozen=True, slots=True)
class RawRegex:
    """A regular expression whose options are not the sorted letters of "ilmsux", which is all that pymongo's flags
    can hold.
    """

    pattern: str
    options: str


_OPTIONS = "ilmsux"


def regex(pattern: str, options: str) -> Regex[str] | RawRegex:
    """Return the regular expression in the class that can write it back unchanged."""
    if options == "".join(letter for letter in _OPTIONS if letter in options):
        return Regex(pattern, options)
    return RawRegex(pattern, options)


def regex_options(value: Regex[str]) -> str:
    """Return the options of pymongo's class, as its encoder writes them."""
    flags = value.flags
    pairs = zip(_OPTIONS, (re.I, re.L, re.M, re.S, re.U, re.X), strict=True)
    return "".join(letter for letter, flag in pairs if flags & flag)
