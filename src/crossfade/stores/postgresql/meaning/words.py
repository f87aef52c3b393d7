"""Parse types of text search and paths: lexemes with positions, queries, jsonpath, hstore."""

from __future__ import annotations

import re
from decimal import Decimal

from crossfade.stores.postgresql.meaning.numbers import decimal
from crossfade.stores.postgresql.meaning.reading import Unread

# -- tsvector

_LEXEME = re.compile(
    r"\s*(?:'(?P<quoted>(?:[^'\\]|''|\\.)*)'|(?P<bare>(?:[^\s:'\\]|\\.)(?:[^\s:\\]|\\.)*))"
    r"(?::(?P<places>[0-9]+[a-dA-D]?(?:,[0-9]+[a-dA-D]?)*))?(?=\s|$)",
    re.DOTALL,
)


def tsvector(text: str) -> dict[str, set[tuple[int, str]]]:
    """Return the positions of each lexeme, with their weights."""
    found: dict[str, set[tuple[int, str]]] = {}
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _LEXEME.match(text, at)
        if not match:
            raise Unread
        places = found.setdefault(_lexeme(match), set())
        for place in (match["places"] or "").split(","):
            if place:
                places.add((int(place.rstrip("abcdABCD")), place.lstrip("0123456789").upper() or "D"))
        at = match.end()
    return found


def _lexeme(match: re.Match[str]) -> str:
    if match["quoted"] is None:
        return re.sub(r"\\(.)", r"\1", match["bare"], flags=re.DOTALL)
    return re.sub(r"''|\\(.)", lambda m: m[1] or "'", match["quoted"], flags=re.DOTALL)


# -- tsquery

_QUERY = re.compile(
    r"\s*(?:(?P<operator><(?:-|[0-9]+)>|[&|!()])"
    r"|(?:'(?P<quoted>(?:[^'\\]|''|\\.)*)'|(?P<bare>(?:[^\s:'\\&|!()<]|\\.)(?:[^\s:\\&|!()<]|\\.)*))"
    r"(?::(?P<flags>[a-dA-D*]*))?)",
    re.DOTALL,
)
_BINDS = {"|": 1, "&": 2, "<": 3}


def tsquery(text: str) -> object:
    """Return the query as a tree. `&` and `|` of one level are one node, regardless of parentheses."""
    tokens: list[tuple[str, object]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _QUERY.match(text, at)
        if not match:
            raise Unread
        if match["operator"]:
            tokens.append((match["operator"].replace("-", "1"), None))
        else:
            flags = (match["flags"] or "").upper()
            tokens.append(("word", (_lexeme(match), "".join(sorted(set(flags))))))
        at = match.end()
    if not tokens:
        return None
    tree = _either(tokens, 1)
    if tokens:
        raise Unread
    return tree


def _either(tokens: list[tuple[str, object]], level: int) -> object:
    if level > 3:
        return _operand(tokens)
    tree = _either(tokens, level + 1)
    while tokens and _BINDS.get(tokens[0][0][0]) == level:
        operator = tokens.pop(0)[0]
        other = _either(tokens, level + 1)
        if operator in "&|" and isinstance(tree, tuple) and tree[0] == operator:
            tree = (operator, *tree[1:], *_flat(other, operator))
        else:
            tree = (operator, *(_flat(tree, operator) if operator in "&|" else (tree,)), *_flat(other, operator))
    return tree


def _flat(tree: object, operator: str) -> tuple[object, ...]:
    if operator in "&|" and isinstance(tree, tuple) and tree[0] == operator:
        return tuple(tree[1:])
    return (tree,)


def _operand(tokens: list[tuple[str, object]]) -> object:
    if not tokens:
        raise Unread
    kind, value = tokens.pop(0)
    if kind == "word":
        return ("word", value)
    if kind == "!":
        return ("!", _operand(tokens))
    if kind != "(":
        raise Unread
    tree = _either(tokens, 1)
    if not tokens or tokens.pop(0)[0] != ")":
        raise Unread
    return tree


# -- jsonpath

_PATH = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\""
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.])"
    r"|(?P<name>\$?[^\W\d]\w*)"
    r"|(?P<sign><>|[=!<>]=|&&|\|\||\*\*|[][$@.*?(){},!<>+/%:-]))",
    re.DOTALL,
)
_SPELLED = {"<>": "!=", "=": "=="}


def jsonpath(text: str) -> list[object]:
    """Return words, operators and numbers in order, without parentheses and quotes, which the server may change."""
    found: list[object] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _PATH.match(text, at)
        if not match:
            raise Unread
        if match["number"]:
            found.append(Decimal(match["number"]))
        elif match["quoted"] is not None:
            found.append(_unescaped(match["quoted"]))
        elif match["name"] or match["sign"] not in "()":
            found.append(_SPELLED.get(match["sign"], match["sign"]) if match["sign"] else match["name"])
        at = match.end()
    return found[1:] if found[:1] == ["lax"] else found


def _unescaped(text: str) -> str:
    plain = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1].strip("{}"), 16))
        if match[2]:
            return chr(int(match[2], 16))
        return plain.get(match[3], match[3])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\})|x([0-9a-fA-F]{2})|(.))", one, text, flags=re.DOTALL)


# -- hstore

_WORD = r'(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"=,\\]|\\.)(?:[^\s=,\\]|\\.)*))'
_PAIR = re.compile(rf"\s*{_WORD}\s*=>\s*{_WORD}\s*(,|$)", re.DOTALL)


def hstore(text: str) -> dict[str, str | None]:
    """Return the values by key. Raises Unread if a key has two values, of which hstore keeps only one."""
    found: dict[str, str | None] = {}
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _PAIR.match(text, at)
        if not match:
            raise Unread
        quoted, bare, value, word, _ = match.groups()
        key = _plain(quoted if quoted is not None else bare)
        null = value is None and word.lower() == "null"
        said = None if null else _plain(value if value is not None else word)
        if key in found and found[key] != said:
            raise Unread
        found[key] = said
        at = match.end()
    return found


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


# -- xml

_DECLARED = re.compile(r"""\s*<\?xml\s+version=["']1\.0["'](?:\s+encoding=["'][uU][tT][fF]-?8["'])?\s*\?>\n?""")


def xml(text: str) -> str:
    """Return the document without a declaration that has no effect."""
    return _DECLARED.sub("", text, count=1)


# -- unknown types

_ANY = re.compile(
    r"\s*(?:(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|''|\\.)*')"
    r"|([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?!\w)|([^\W]+|.))",
    re.DOTALL,
)


def tokens(text: str) -> list[object]:
    """Return words, numbers as exact decimals, and all other characters. Blanks between them are ignored."""
    found: list[object] = []
    for quoted, number, other in _ANY.findall(text.strip()):
        found.append(decimal(number) if number else quoted or other)
    return found
