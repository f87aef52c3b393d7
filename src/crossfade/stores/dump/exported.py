"""Files of mongoexport: documents as Extended JSON, one per line, one after another, or in one array.

The text is read in blocks, and Python's own JSON scanner finds where each document ends, so no more than one document
is in memory, however it is formatted. If a document does not parse, the next one is sought at the next line that
begins as the first document did (lines inside a formatted document are indented deeper). An array offers no such rule,
so an array with a broken document is refused.

A piece between two such lines is one record. It is a remainder, with an unknown number of records, if the file ends in
the middle of it, if it holds zero bytes (a hole), or if it has several lines although a document of the file has one.

Bytes that are not UTF-8 become lone surrogates until the end of the document is known; then only that document is
rejected.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from json import JSONDecodeError

from crossfade.errors import CrossfadeError, Damaged, Misused
from crossfade.model.counts import counted
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.stores.dump.framing import KEEP, Read

Convert = Callable[[str], bytes]

_BLOCK = 1024 * 1024
_LONGEST = 128 * 1024 * 1024  # characters; Extended JSON takes at most six for a byte (a string of control characters)
_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_SHELL = re.compile(
    r"(new\s+)?(ObjectId|ISODate|Date|NumberLong|NumberInt|NumberDecimal|Number|Long|Int32|Double|Decimal128|BinData"
    r"|HexData|Binary|UUID|MD5|Timestamp|DBRef|DBPointer|Dbref|Symbol|Code|RegExp|MinKey|MaxKey)\s*\("
    r"|(MinKey|MaxKey|undefined)\b|[A-Za-z_$][\w$]*\s*:|'|/"
)
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_INSIDE_TEXT = ("Unterminated string", "Invalid \\uXXXX")
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # finds the end; Python converts no more than 4,300 digits


@dataclass
class ExportReader:
    """Reads one export: `documents` yields BSON, and a rejection for what is not a document.

    `convert` converts the text of one document into BSON. It raises ValueError (or an error of ours) if it cannot.
    """

    read: Read
    name: str
    convert: Convert
    _text: str = ""
    _at: int = 0
    _line: int = 1
    _ended: bool = False
    _torn: str = ""
    _one_line: bool = False
    _bytes: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("surrogateescape")
    )

    def documents(self) -> Iterator[bytes | Rejection]:
        """Yield the documents. Raises `Damaged` for a broken array or no export, `Misused` for the shell's syntax."""
        self._start()
        self._skip(_SPACE)
        if self._text.startswith("[", self._at):
            self._at += 1
            yield from self._array()
        else:
            yield from self._lines()

    def _start(self) -> None:
        self._grow()
        if self._text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            raise Misused(f"{self.name} is UTF-16", hint="convert it to UTF-8, for example with iconv")
        self._at = 1 if self._text.startswith("\ufeff") else 0

    def _array(self) -> Iterator[bytes | Rejection]:
        number = 0
        while self._skip(_BETWEEN) and self._text[self._at] != "]":
            number += 1
            end, error = self._extent()
            if error is not None:
                raise Damaged(
                    f"{self.name}:{self._line_of(error.pos)}: document {number} of the array does not parse:"
                    f" {error.msg}; the rest of the array cannot be read either",
                    hint="fix the document, or export without --jsonArray: then the other documents can be read",
                )
            yield self._document(end)
        if self._at >= len(self._text):
            read, why = counted(number, "document"), self._torn or "the file is truncated"
            raise Damaged(f"{self.name}:{self._line}: the array is not closed after {read}; {why}")
        self._at += 1
        if self._skip(_SPACE):
            raise Damaged(f"{self.name}:{self._line}: something follows the end of the array")

    def _lines(self) -> Iterator[bytes | Rejection]:
        good, first_fault, boundary = 0, "", None
        while self._skip(_BETWEEN):
            boundary = boundary or self._boundary()
            end, error = self._extent()
            if error is None:
                self._one_line = self._one_line or (good == 0 and "\n" not in self._text[self._at : end])
                good += 1
                yield self._document(end)
            else:
                detail = self._where(error)
                first_fault = first_fault or detail
                yield self._broken(self._next_start(boundary), detail, error)
        if self._torn:
            yield Rejection(0, REMAINDER, f"line {self._line}: {self._torn}")
        if first_fault and not good and not self._torn:
            raise Damaged(f"{self.name} is not a JSON export: {first_fault}")

    def _where(self, error: JSONDecodeError) -> str:
        """Return the line where the document begins, and the one where the fault was noticed."""
        noticed = self._line_of(error.pos)
        later = f", noticed in line {noticed}" if noticed != self._line else ""
        return f"line {self._line}: {error.msg}{later}"

    def _boundary(self) -> re.Pattern[str]:
        """Return how a line begins that begins a document: indented as the first one is."""
        before = self._text[self._text.rfind("\n", 0, self._at) + 1 : self._at]
        indent = before if before.strip() == "" else ""
        return re.compile(r"\n" + re.escape(indent.lstrip("\ufeff")) + r"\{")

    def _extent(self) -> tuple[int, JSONDecodeError | None]:
        """Return where the document that begins here ends, or why that is unknown."""
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
            except JSONDecodeError as error:
                if self._may_be_cut(error) and self._grow():
                    continue
                self._refuse_shell(error)
                return 0, error
            except RecursionError:
                return 0, JSONDecodeError("nested too deep", self._text, self._at)
            if end == len(self._text) and self._text[end - 1] not in '}]"' and self._grow():
                continue  # a number may continue in the next block
            return end, None

    def _may_be_cut(self, error: JSONDecodeError) -> bool:
        """Return whether more text could fix the error: it is at the end of the block, or within a word of it."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - 16

    def _refuse_shell(self, error: JSONDecodeError) -> None:
        found = _SHELL.match(self._text, error.pos)
        if found and error.msg.startswith(("Expecting value", "Expecting property name")):
            shown = self._text[error.pos : error.pos + 40].splitlines()[0]
            raise Misused(
                f"{self.name}:{self._line_of(error.pos)}: this is the shell's syntax, not JSON: {shown!r}",
                hint="export it with mongoexport, or print it with EJSON.stringify(document) in mongosh",
            )

    def _document(self, end: int) -> bytes | Rejection:
        text = self._text[self._at : end]
        line = self._line
        self._advance(end)
        try:
            text.encode()
        except UnicodeEncodeError:
            return _piece(text, f"line {line}: not UTF-8", "invalid_utf8")
        if not text.startswith("{"):
            return _piece(text, f"line {line}: not a document: {text[:40]}")
        try:
            return self.convert(text)
        except (ValueError, TypeError, OverflowError, RecursionError, CrossfadeError) as error:
            return _piece(text, f"line {line}: {error}")

    def _next_start(self, boundary: re.Pattern[str]) -> int:
        """Return where the next document may begin, or the end of the file."""
        while (found := boundary.search(self._text, self._at)) is None:
            if not self._grow():
                return len(self._text)
        return found.start() + 1

    def _broken(self, end: int, detail: str, error: JSONDecodeError) -> Rejection:
        """Return what does not parse, up to the next document."""
        text = self._text[self._at : end]
        why = self._uncountable(text, end, error)
        self._advance(end)
        return _piece(text, f"{detail}; {why}" if why else detail, REMAINDER if why else "broken")

    def _uncountable(self, text: str, end: int, error: JSONDecodeError) -> str:
        """Return why the number of records in the piece is unknown; "" if it was one."""
        if self._ended and end == len(self._text):
            if self._torn:
                torn, self._torn = self._torn, ""
                return torn
            if error.msg.startswith(_INSIDE_TEXT) or _could_go_on(self._text[error.pos :].rstrip()):
                return "the file ends in the middle of a document"
        if "\0" in text:
            return f"it holds {counted(text.count(chr(0)), 'zero byte')}"
        if self._one_line and "\n" in text.strip():
            return f"it has {counted(text.strip().count(chr(10)) + 1, 'line')}, and a document of this file has one"
        return ""

    def _skip(self, what: re.Pattern[str]) -> bool:
        """Skip what is between documents. Return whether anything follows."""
        while True:
            found = what.match(self._text, self._at)
            self._advance(found.end() if found else self._at)
            if self._at < len(self._text):
                return True
            if not self._grow():
                return False

    def _advance(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _line_of(self, at: int) -> int:
        return self._line + self._text.count("\n", self._at, at)

    def _grow(self) -> bool:
        """Read on, at least as much as is buffered, so that a long document is not scanned again and again."""
        if self._ended:
            return False
        waiting = self._text[self._at :]
        if len(waiting) > _LONGEST:
            raise Damaged(f"{self.name}:{self._line}: no document ends within {_LONGEST:,} characters")
        try:
            more = self.read(max(_BLOCK, len(waiting)))
        except (EOFError, OSError, zlib.error) as error:  # a gzip stream that is cut or damaged
            more, self._torn = b"", f"decompressing the file failed: {error}"
        self._ended = not more
        self._text, self._at = waiting + self._bytes.decode(more, final=self._ended), 0
        return True


def _could_go_on(end: str) -> bool:
    """Return whether the file ends at the fault, or with the beginning of a JSON literal."""
    return any(word.startswith(end) for word in _WORDS)


def _piece(text: str, detail: str, reason: str = "broken") -> Rejection:
    raw = text.encode("utf-8", "surrogateescape").rstrip(b"\r\n")
    return Rejection(0, reason, detail, raw=raw[:KEEP])
