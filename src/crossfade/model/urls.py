"""What may be shown of a URL: everything but its secrets.

Passwords that were not quoted as a URL wants them (`p@ss/w?rd`) are what people get wrong, so their URLs are what
errors show: where a password cannot be told from its surroundings, more is hidden rather than less.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*:/{2,3})(.*)$", re.DOTALL)
_SECRET = r"[A-Za-z_]*(?:password|passwd|passphrase|pwd|secret|token|authmechanismproperties)"
_IN_QUERY = re.compile(rf"([?&;]{_SECRET}=)([^&;]*)", re.IGNORECASE)
_IN_DSN = re.compile(rf"(\b{_SECRET}\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'&]+)", re.IGNORECASE)


def hide_password(url: str) -> str:
    """The URL (or libpq's `key=value` text) with every secret in it replaced by ***.

    >>> hide_password("mongodb://me:secret@localhost/db")
    'mongodb://me:***@localhost/db'
    >>> hide_password("postgresql://me@/db?host=/run/sockets&password=secret")
    'postgresql://me@/db?host=/run/sockets&password=***'
    """
    found = _SCHEME.match(url)
    if not found:
        return _IN_DSN.sub(_hidden, url)
    scheme, rest = found.groups()
    login, place = _split_login(rest)
    user, colon, _ = login.partition(":")
    shown = f"{user}{colon}{HIDDEN if colon else ''}@" if login else ""
    return scheme + shown + _IN_QUERY.sub(_hidden, place)


def without_secrets(text: str, url: str) -> str:
    """A driver's message with the secrets of `url` taken out, as they stand in the URL and as they are meant."""
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _hidden(found: re.Match[str]) -> str:
    return found.group(1) + HIDDEN


def _split_login(rest: str) -> tuple[str, str]:
    """The login (without its @) and what follows; the login is "" where there is none."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    login, *others = authority.split("@")
    is_clean = "@" not in rest[len(authority) :] or (len(others) == 1 and ":" not in login)
    cut = authority.rfind("@") if is_clean else rest.rfind("@")
    return (rest[:cut], rest[cut + 1 :]) if cut >= 0 else ("", rest)


def _secrets(url: str) -> set[str]:
    found = _SCHEME.match(url)
    if not found:
        values = {value.strip("'") for _, value in _IN_DSN.findall(url)}
    else:
        login, place = _split_login(found.group(2))
        values = {login.partition(":")[2], *(value for _, value in _IN_QUERY.findall(place))}
    return {form for value in values for form in (value, unquote(value), *_tails(value)) if form}


def _tails(password: str) -> list[str]:
    """What a driver takes for the beginning of the host where an @ in the password was not quoted."""
    return [password[at + 1 :] + "@" for at, letter in enumerate(password) if letter == "@"]
