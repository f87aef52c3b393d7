"""Show URLs without their secrets.

Errors often show URLs with an unescaped password (`p@ss/w?rd`) or an invalid beginning (a blank, a quote, `jdbc:`),
because these are common mistakes. If a password cannot be separated from its surroundings, more is hidden rather than
less: without a known scheme, everything between the first ":" and the last "@"; of options, the value of every option
that is not known to be harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

HIDDEN = "***"

_SCHEME = re.compile(
    r"^((?:mongodb(?:\+srv)?|postgres(?:ql)?(?:\+\w+)?|sqlite(?:\+\w+)?):/{2,3})(.*)$", re.DOTALL | re.IGNORECASE
)
_ANY_SCHEME = re.compile(r"\s*[A-Za-z][\w+.-]*:/+")
_IN_DSN = re.compile(r"(\b[A-Za-z_]\w*\s*=\s*)('(?:[^'\\]|\\.)*(?:'|\Z)|.*?)(?=\s+[A-Za-z_]\w*\s*=|\s*\Z)", re.DOTALL)
_SECRET = re.compile(r"\w*(password|passwd|passphrase|pwd|secret|token|key)", re.IGNORECASE)
_NAMED = re.compile(
    rf"{_SECRET.pattern}[\"']?\s*[:=]|\A(?:[^:\\\s]|\\.)+:(?:\d+|\*):(?:(?:[^:\\]|\\.)+:){{2}}", re.IGNORECASE
)
"""The text before a password in other notations: its name in JSON or YAML, the first four fields in .pgpass."""
_HOST = r"(?:\[[^\]]*\]|[^\[\]:,/?#]*)"
_PORT_OR_NOT = re.compile(rf"(?:{_HOST}(?::\d*)?,)*{_HOST}:(?!\d*(?:[,/?#]|\Z))")
"""Hosts up to a colon that is not followed by a port."""
_SHORT = 4  # characters; shorter secrets are hidden only as whole words

HARMLESS = frozenset(
    # libpq
    """host hostaddr port dbname user connect_timeout client_encoding application_name fallback_application_name
    keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode
    sslnegotiation sslcompression sslcert sslkey sslrootcert sslcrl sslcrldir sslsni sslcertmode channel_binding
    require_auth requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version
    max_protocol_version krbsrvname gsslib gssdelegation service passfile target_session_attrs load_balance_hosts
    """
    # Prisma
    """schema connection_limit pgbouncer pool_timeout sslaccept statement_cache_size
    """
    # MongoDB
    """replicaset authsource authmechanism tls ssl tlscafile tlscertificatekeyfile tlsinsecure
    tlsallowinvalidcertificates tlsallowinvalidhostnames tlscrlfile tlsdisableocspendpointcheck retrywrites retryreads w
    wtimeout wtimeoutms journal fsync readpreference readpreferencetags readconcernlevel maxstalenessseconds
    serverselectiontimeoutms connecttimeoutms sockettimeoutms timeoutms appname directconnection loadbalanced
    compressors zlibcompressionlevel maxpoolsize minpoolsize maxidletimems maxconnecting waitqueuetimeoutms
    heartbeatfrequencyms localthresholdms uuidrepresentation srvmaxhosts srvservicename servermonitoringmode
    usenewurlparser useunifiedtopology unicode_decode_error_handler tz_aware db""".split()
)
"""Options whose values may be shown, in lower case."""


def printable(name: str) -> str:
    """Return the name of a file or folder as text that can be stored, with non-UTF-8 bytes escaped (`\\xff`)."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def hide_password(url: str) -> str:
    """Return the URL (or libpq's `key=value` text) with every secret replaced by ***.

    >>> hide_password("mongodb://me:secret@localhost/db")
    'mongodb://me:***@localhost/db'
    >>> hide_password("postgresql://me@/db?host=/run/sockets&password=secret")
    'postgresql://me@/db?host=/run/sockets&password=***'
    >>> hide_password("jdbc:mongodb://me:secret@localhost/db")
    'jdbc:***@localhost/db'
    """
    return "".join(HIDDEN if secret else part for part, secret in _parts(url))


def without_secrets(text: str, url: str) -> str:
    """Return a driver's message without the secrets of `url`: as written in the URL, unescaped, and in the pieces into
    which a driver may have divided them.
    """
    text = text.replace(url, hide_password(url))
    for secret in sorted(_forms(url), key=len, reverse=True):
        if len(secret) >= _SHORT:
            text = re.sub(re.escape(secret), HIDDEN, text, flags=re.IGNORECASE)
        else:
            text = re.sub(rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])", HIDDEN, text)
    return text


Part = tuple[str, bool]
"""A piece of the URL, and whether it is secret. All pieces together are the URL."""


def _parts(url: str) -> Iterator[Part]:
    found = _SCHEME.match(url)
    if found:
        yield found[1], False
        login, place = _split_login(found[2])
        yield from _of_login(login)
        yield from _of_place(place) if _has_password(login) else _of_hosts(place)
    elif ":" in url and url.find(":") < url.rfind("@"):
        colon, at = url.find(":") + 1, url.rfind("@")
        yield from _of_dsn(url[:colon])
        yield url[colon:at], True
        yield from _of_place(url[at:])
    elif "@" in url:  # user/secret@host, as another database's
        yield url[: url.rfind("@")], True
        yield from _of_place(url[url.rfind("@") :])
    elif scheme := _ANY_SCHEME.match(url):
        yield scheme[0], False
        yield from _of_hosts(url[scheme.end() :])
    elif "?" in url and ("://" in url or not re.search("[=:]", url.partition("?")[0])):
        yield from _of_place(url)
    else:
        yield from _of_dsn(url)


def _has_password(login: str) -> bool:
    return re.search(":|%3a", login, re.IGNORECASE) is not None


def _of_login(login: str) -> Iterator[Part]:
    """Yield the user, and what follows a colon or %3A. `login` ends with its @, or is empty. Without a colon it is the
    user, unless it looks like anything else.
    """
    colon = re.search(":|%3a", login, re.IGNORECASE)
    if colon is None and re.search(r"[=\s/?#\uff1a]", login):
        yield login[:-1], True
        yield "@", False
        return
    if colon is None:
        yield login, False
        return
    yield login[: colon.end()], False
    yield login[colon.end() : -1], True
    yield "@", False


def _of_hosts(place: str) -> Iterator[Part]:
    """Yield hosts, path and options of a URL without a login. Text after a colon that is not a port may be a password
    without a host (`user:secret`), whose end is unknown.
    """
    found = _PORT_OR_NOT.match(place)
    if found is None:
        yield from _of_place(place)
        return
    yield place[: found.end()], False
    yield place[found.end() :], True


def _of_place(place: str) -> Iterator[Part]:
    """Yield hosts, path and options. Text after a hidden option that is not an option is part of its value."""
    head, mark, query = place.partition("?")
    yield from _of_other_text(head)
    yield mark, False
    hiding = False
    for piece in re.split(r"([&;])", query):
        key, equals, value = piece.partition("=")
        if piece in ("&", ";", "") or (key.lower() in HARMLESS and equals):
            hiding = hiding and piece in ("&", ";", "")
            yield piece, False
        elif equals and (not hiding or _SECRET.fullmatch(key)):
            hiding = True
            yield key + equals, False
            yield value, True
        else:
            yield piece, hiding or not re.fullmatch(r"\w*", piece)


def _of_dsn(text: str) -> Iterator[Part]:
    """Yield keys and values. A value with another = in it (`host=h;password=secret`) may hold a password."""
    at = 0
    for found in _IN_DSN.finditer(text):
        yield from _of_other_text(text[at : found.start()])
        yield found[1], False
        is_harmless = "=" not in found[2] and found[1].rstrip("= \t\n").lower() in HARMLESS
        yield found[2], not is_harmless
        at = found.end()
    yield from _of_other_text(text[at:])


def _of_other_text(text: str) -> Iterator[Part]:
    found = _NAMED.search(text)
    end = found.end() if found else len(text)
    yield text[:end], False
    if text[end:]:
        yield text[end:], True


def _split_login(rest: str) -> tuple[str, str]:
    """Return the login with its @ ("" if there is none), and the rest."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    login, *others = authority.split("@")
    is_clean = "@" not in rest[len(authority) :] or (len(others) == 1 and ":" not in login)
    cut = authority.rfind("@") if is_clean else rest.rfind("@")
    return rest[: cut + 1], rest[cut + 1 :]


def _forms(url: str) -> set[str]:
    values = {part.strip("'") for part, secret in _parts(url) if secret}
    return {form for value in values for form in (value, unquote(value), *_tails(value), *_pieces(value)) if form}


def _tails(password: str) -> list[str]:
    """Return what a driver takes for the beginning of the host if an @ in the password is not escaped."""
    return [password[at + 1 :] + "@" for at, letter in enumerate(password) if letter == "@"]


def _pieces(password: str) -> list[str]:
    """Return what a driver may take for a port, a path or an option."""
    return [form for piece in re.split(r"[@/?#:\uff1a&;=,\s]+", password) for form in (piece, unquote(piece))]
