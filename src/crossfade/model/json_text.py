"""Read JSON with numbers of any size and nesting of any depth.

The usual parsers read numbers as doubles and are recursive. This one keeps every digit and is iterative. It is slow,
and meant for texts that the others refuse or would change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

Pairs = list[tuple[str, Any]]

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_OPEN = object()  # no value yet
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""An escape; in a group, one that is half of a surrogate pair, without the other half."""


class Beyond(str):
    """The text of a number that not even a Decimal can represent."""


def number(text: str) -> Any:
    """Return the exact number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Beyond(text)


def parse(text: str, *, number: Callable[[str], Any] = number, object_of: Callable[[Pairs], Any] = dict) -> Any:
    """Return the value in the text. Raises ValueError (JSONDecodeError, with the position) if it is not JSON."""
    return _TextReader(text, number, object_of).read()


def unpaired_surrogate(text: str) -> str | None:
    r"""Return the first escape in JSON that is half of a surrogate pair (`\ud800`), with its place; None if there is
    none. JSON may have one, but it is no character: what stores text as UTF-8 cannot hold it.
    """
    if "\\u" not in text:
        return None
    found = next((one for one in _ESCAPE.finditer(text) if one[1]), None)
    return None if found is None else f"{found[1]} at character {found.start() + 1:,}"


class _TextReader:
    def __init__(self, text: str, number: Callable[[str], Any], object_of: Callable[[Pairs], Any]) -> None:
        self.text, self.at = text, 0
        self.number, self.object_of = number, object_of
        self.open: list[Any] = []  # the open arrays and objects, as lists of items and of pairs
        self.names: list[str | None] = []  # the name of the next value in each; None in an array

    def read(self) -> Any:
        while True:
            value = self._value()
            while value is not _OPEN:
                if not self.open:
                    if self._next():
                        raise self._wrong("Extra data")
                    return value
                value = self._into(value)

    def _value(self) -> Any:
        """Return a plain value or an empty array or object, or _OPEN after opening one that is not empty."""
        char = self._next()
        if char == '"':
            value, self.at = scanstring(self.text, self.at + 1, True)
            return value
        if char == "[":
            self.at += 1
            return self._closed("]") if self._next() == "]" else self._opened(None)
        if char == "{":
            self.at += 1
            return self._closed("}") if self._next() == "}" else self._opened(self._name())
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            return self.number(found[0])
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        raise self._wrong("Expecting value")

    def _opened(self, name: str | None) -> Any:
        self.open.append([])
        self.names.append(name)
        return _OPEN

    def _closed(self, by: str) -> Any:
        self.at += 1
        return [] if by == "]" else self.object_of([])

    def _into(self, value: Any) -> Any:
        """Put a value into the open array or object. Return that one if the value ends it."""
        items, name = self.open[-1], self.names[-1]
        items.append(value if name is None else (name, value))
        char = self._next()
        if char == ",":
            self.at += 1
            if name is not None:
                self._next()
                self.names[-1] = self._name()
            return _OPEN
        if char != ("]" if name is None else "}"):
            raise self._wrong("Expecting ',' delimiter")
        self.at += 1
        self.open.pop()
        self.names.pop()
        return items if name is None else self.object_of(items)

    def _name(self) -> str:
        if self._next() != '"':
            raise self._wrong("Expecting property name enclosed in double quotes")
        name, self.at = scanstring(self.text, self.at + 1, True)
        if self._next() != ":":
            raise self._wrong("Expecting ':' delimiter")
        self.at += 1
        return str(name)

    def _next(self) -> str:
        """Return the next character that is not a blank, or "" at the end."""
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.text[self.at : self.at + 1]

    def _wrong(self, message: str) -> JSONDecodeError:
        return JSONDecodeError(message, self.text, self.at)


def write(value: Any, digits: Callable[[Any], str]) -> str:
    """Return a parsed value as compact text, with sorted names and each number as formatted by `digits`."""
    out: list[str] = []
    waiting: list[Iterator[Any]] = [iter([value])]
    ends = [""]
    while waiting:
        item = next(waiting[-1], _OPEN)
        if item is _OPEN:
            waiting.pop()
            out.append(ends.pop())
        elif isinstance(item, _Text):
            out.append(item)
        elif isinstance(item, dict):
            out.append("{")
            waiting.append(_members(item))
            ends.append("}")
        elif isinstance(item, list):
            out.append("[")
            waiting.append(_commas(item))
            ends.append("]")
        else:
            out.append(digits(item) if isinstance(item, Decimal | Beyond) else json.dumps(item, ensure_ascii=False))
    return "".join(out)


class _Text(str):
    """A piece of text that is written unchanged."""


def _commas(items: Iterable[Any]) -> Iterator[Any]:
    for i, item in enumerate(items):
        if i:
            yield _Text(",")
        yield item


def _members(value: dict[str, Any]) -> Iterator[Any]:
    for i, (name, member) in enumerate(sorted(value.items())):
        yield _Text(("," if i else "") + json.dumps(name, ensure_ascii=False) + ":")
        yield member


__all__ = ["Beyond", "JSONDecodeError", "number", "parse", "unpaired_surrogate", "write"]
