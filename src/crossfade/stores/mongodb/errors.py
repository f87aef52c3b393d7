"""Converts errors of MongoDB's driver into crossfade's, without the password."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure, PyMongoError

from crossfade.errors import CrossfadeError, Misused, Unreachable, may_pass
from crossfade.model.urls import hide_password, without_secrets

CONNECTING = "connecting"
"""What a client is doing at its first contact with the server, for `speaking`."""
AUTHENTICATION_FAILED = frozenset({18, 8000})  # 8000 is Atlas's
UNAUTHORIZED = 13
CURSOR_GONE = frozenset({43, 237})
CUT = frozenset({89, 91, 189, 262, 7, 6, 9001, 11600, 11602, 10107, 13435, 13436})  # shutdown, stepdown, network


_ONLY_TLS = "the server accepts only TLS connections"
_HAS_LOGIN = re.compile(r"^[^/]*//[^/?]*@|[?&;]authMechanism=", re.IGNORECASE)
_WITH_TLS = re.compile(r"^mongodb\+srv:|[?&](tls|ssl)=true", re.IGNORECASE)
_CLOSED = re.compile(r"(\S+):(\d+): connection closed")
_SECONDS = 5
_SERVER_RUNS = "check that the server runs and that its host and port are right, then run the command again"
_HINTS = (
    (
        re.compile("Too many open files"),
        "raise the limit on open files (ulimit -n 4096), or run with fewer --workers",
        False,
    ),
    (re.compile("certificate has expired"), "renew the server's certificate", False),
    (
        re.compile("certificate is not valid for|doesn't match"),
        "write the host in the URL as in the server's certificate, or have it issued for this host",
        False,
    ),
    (
        re.compile("CERTIFICATE_VERIFY_FAILED|certificate verify failed", re.IGNORECASE),
        "name the file of the CA that issued the server's certificate (tlsCAFile=...)",
        False,
    ),
    (
        re.compile(_ONLY_TLS),
        "tls=true in the URL, and tlsCAFile=... where a CA of your own issued its certificate",
        False,
    ),
    (
        re.compile(r"SSL handshake failed|EOF occurred|WRONG_VERSION_NUMBER"),
        "tls=false in the URL if the server does without TLS; if not, look up in its log which certificate it requires",
        False,
    ),
    (
        re.compile(r"SSL|TLS"),
        "check whether the server uses TLS (tls=true or tls=false in the URL), and which certificates it requires",
        False,
    ),
    (
        re.compile("replica set", re.IGNORECASE),
        "check that the server runs, the name of its replica set (replicaSet=... in the URL) and its TLS; and that a"
        " primary is elected",
        True,
    ),
    (re.compile("Name or service not known|nodename nor servname|getaddrinfo"), "check the host of the URL", False),
)
# The driver also says this if no connection could be made, and loses the cause (directConnection=true).
_NO_MEMBER = re.compile(r"a replica set named ('[^']*') but this node belongs to a set named 'None'")
_COMMAND = re.compile(r"execute command \{ (\w+):.*\}", re.DOTALL)  # whole, with its session and cluster time


@contextmanager
def speaking(url: str, doing: str) -> Iterator[None]:
    """Convert the driver's errors into crossfade's. `doing` ends the sentence "... while <doing>".

    Raises Unreachable if the server cannot be reached, refuses the login or loses the connection; Misused if the URL is
    wrong; CrossfadeError if the server refuses the command.
    """
    try:
        yield
    except PyMongoError as error:
        raise translated(error, url, doing) from error


def translated(error: PyMongoError, url: str, doing: str) -> CrossfadeError:
    reason = without_secrets(_reason(_first_cause(error, url)), url)
    if isinstance(error, InvalidURI):
        return Misused(
            f"not a MongoDB URL: {hide_password(url)} ({reason})",
            hint="a URL such as mongodb://user:password@host:27017/database; percent-encode : / ? # [ ] @ % "
            "in a password (@ as %40)",
        )
    if isinstance(error, ConfigurationError):
        return _configuration(reason, url)
    if isinstance(error, OperationFailure):
        return _operation(error, reason, url, doing)
    if isinstance(error, ConnectionFailure):
        return _cut(reason, url, doing)
    return CrossfadeError(f"MongoDB's driver failed while {doing}: {reason}")


def _first_cause(error: PyMongoError, url: str) -> PyMongoError:
    """Return why no connection could be made, by connecting again without the name of the replica set; or the error."""
    if not _NO_MEMBER.search(str(error)):
        return error
    try:
        with MongoClient[dict[str, object]](url, replicaSet=None, serverSelectionTimeoutMS=_ASK_AGAIN_MS) as client:
            client.admin.command("hello")
    except ConnectionFailure as cause:
        return cause
    except PyMongoError:
        pass  # the server answers
    return error


_ASK_AGAIN_MS = 1500


def _reason(error: PyMongoError) -> str:
    """Return the driver's message without the internals that it appends."""
    details = error.details if isinstance(error, OperationFailure) else None
    text = str(details["errmsg"]) if details and "errmsg" in details else str(error)
    text = _COMMAND.sub(r"execute the command \1", text)
    if no_member := _NO_MEMBER.search(text):
        return f"the server does not answer as a member of the replica set {no_member[1]}"
    for noise in (", full error: ", ", Timeout: ", " (configured timeouts: "):
        text = text.partition(noise)[0]
    return text


def _configuration(reason: str, url: str) -> CrossfadeError:
    if "DNS" in reason or "resolution" in reason:
        return Unreachable(f"the host of {hide_password(url)} is unknown: {reason}; nothing was read")
    return Misused(
        f"MongoDB's driver rejects the URL {hide_password(url)}: {reason}; nothing was read",
        hint="correct the option that the message names",
    )


def _operation(error: OperationFailure, reason: str, url: str, doing: str) -> CrossfadeError:
    if error.code in AUTHENTICATION_FAILED:
        return Unreachable(
            f"MongoDB refused the login of {hide_password(url)}: {reason}; nothing was read",
            hint="check user and password, and name the database where the user is defined: ?authSource=admin",
        )
    if error.code == UNAUTHORIZED and not _HAS_LOGIN.search(url):
        return Unreachable(
            f"MongoDB requires a login, and the URL has no user: {hide_password(url)} ({reason}, while {doing})",
            hint="mongodb://user:password@host:27017/database, with ?authSource=... if the user is defined in another"
            " database",
        )
    if error.code == UNAUTHORIZED:
        return Unreachable(
            f"permission denied while {doing} ({hide_password(url)}): {reason}",
            hint="grant the user the role read on this database",
        )
    if error.code in CURSOR_GONE:
        return may_pass(
            Unreachable(
                f"the server closed the cursor while {doing}: {reason}; this range was read only in part",
                hint="run the command again: it resumes where it stopped",
            )
        )
    if error.code in CUT:
        return _cut(reason, url, doing)
    return CrossfadeError(f"MongoDB refused {doing}: {reason}")


def _cut(reason: str, url: str, doing: str) -> Unreachable:
    closed = _CLOSED.search(reason) if doing == CONNECTING and not _WITH_TLS.search(url) else None
    if closed and _speaks_tls(closed[1], int(closed[2])):
        reason = f"{_ONLY_TLS} ({reason})"
    found = next(((hint, passing) for pattern, hint, passing in _HINTS if pattern.search(reason)), None)
    hint, passing = found or (_SERVER_RUNS, True)
    ours = Unreachable(
        f"no answer from MongoDB at {hide_password(url)} while {doing}: {reason}; the source is unchanged",
        hint=hint,
    )
    ours.passing = passing
    return ours


def _speaks_tls(host: str, port: int) -> bool:
    """Return whether the server begins a TLS connection; its certificate is not looked at."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), _SECONDS) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False
