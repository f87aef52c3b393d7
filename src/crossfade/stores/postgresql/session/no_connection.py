"""Why a connection to PostgreSQL failed, and what to try: each cause has its own hint."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.model.urls import hide_password
from crossfade.stores.postgresql.errors import first_line

CONNECTIONS = "a run takes one connection for each worker, and up to six more"


@dataclass(frozen=True)
class _Cause:
    """`passing`: the same attempt may succeed later. `misused`: the URL is wrong, or names what cannot be used. `own`:
    a limit of this process is in the way, and no server was asked.
    """

    pattern: re.Pattern[str]
    fact: str
    hint: str
    passing: bool = False
    misused: bool = False
    own: bool = False


def _cause(
    pattern: str, fact: str, hint: str, *, passing: bool = False, misused: bool = False, own: bool = False
) -> _Cause:
    return _Cause(re.compile(pattern), fact, hint, passing, misused, own)


_NOT_TRUSTED = "certificate verify failed"

_CAUSES = (
    _cause(
        r"Too many open files",
        "this process has too many open files",
        "raise the limit (ulimit -n 4096), or run with fewer --workers",
        own=True,
    ),
    _cause(
        r"could not fork new process",
        "the server could not start a process for the connection",
        "free memory on the server, or raise its limit of processes",
        passing=True,
    ),
    _cause(
        r"shared object|[Cc]annot allocate memory",
        "the driver could not be loaded into this process",
        "raise its limit of memory (ulimit -v unlimited), or install the driver again (adbc-driver-postgresql)",
        own=True,
    ),
    _cause(
        r'invalid sslmode value|sslmode value "[^"]*" invalid',
        "sslmode has an invalid value",
        "sslmode=disable, allow, prefer, require, verify-ca or verify-full",
        misused=True,
    ),
    _cause(
        r'invalid "?[\w ]+"? value:? "|invalid integer value|invalid port number|weak sslmode|could not match \d+'
        r"|value \"[^\"]*\" invalid|invalid SCRAM|could not parse network address",
        "an option of the URL has an invalid value",
        "correct the option that the message names",
        misused=True,
    ),
    _cause(
        r'definition of service "|service file "',
        "the service that the URL names cannot be found",
        "define it in ~/.pg_service.conf, or name host, port and database in the URL",
        misused=True,
    ),
    _cause(
        r"conversion between \S+ and \S+ is not supported",
        "the encoding of the database cannot be converted to UTF-8",
        "name a database with another encoding (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0)",
        misused=True,
    ),
    _cause(
        r"unsupported startup parameter: replication",
        "a connection pooler does not pass on the changes of the source",
        "name the server itself in the URL (PostgreSQL's own port, often 5432)",
        misused=True,
    ),
    _cause(
        r"unrecognized configuration parameter|invalid value for parameter|permission denied to set parameter"
        r"|parameter \"[^\"]*\" cannot be (set|changed)|invalid command-line argument|unsupported startup parameter",
        "the server rejects a setting of the URL (options=...) or of PGOPTIONS",
        "correct or remove the setting that the message names",
        misused=True,
    ),
    _cause(
        r"GSSAPI encryption (required|is required)|does not support GSSAPI|GSSAPI negotiation",
        "the URL requires GSSAPI encryption, which cannot be had",
        "gssencmode=prefer in the URL; or log in to Kerberos first (kinit)",
    ),
    _cause(
        r"authentication method requirement",
        "the server asks for another kind of login than the URL requires",
        "correct or remove require_auth in the URL",
    ),
    _cause(
        r"channel binding (is )?required",
        "the URL requires channel binding, which this login does without",
        "channel_binding=prefer in the URL; or TLS and a password of SCRAM",
    ),
    _cause(
        r"server is (not )?in hot standby mode|session is (not )?read-only",
        "the server is not of the kind that the URL requires",
        "correct or remove target_session_attrs in the URL, or name the right server",
        passing=True,
    ),
    _cause(
        r"root certificate file|could not (read|open|load).*certificate|private key file|could not load private key",
        "a certificate or key file of the URL cannot be used",
        "check the paths of sslrootcert, sslcert and sslkey, and that only you can read the key",
        misused=True,
    ),
    _cause(
        r"does not support SSL",
        "the URL requires TLS, and the server does not offer it",
        "sslmode=prefer in the URL, which does without TLS then; or turn TLS on in the server (ssl = on)",
    ),
    _cause(
        r"certificate.* does not match host name",
        "the server's certificate is for another host",
        "write the host as in the certificate (hostaddr=... may name the address); or have it issued for this host",
    ),
    _cause(r"certificate has expired", "the server's certificate has expired", "renew the server's certificate"),
    _cause(
        rf"{_NOT_TRUSTED}|unable to get local issuer",
        "the server's certificate is not trusted",
        "name the file of the CA that issued it (sslrootcert=...)",
    ),
    _cause(
        r"(no pg_hba.conf entry|pg_hba.conf rejects connection).*no encryption",
        "the server accepts this user only over TLS",
        "sslmode=require in the URL",
    ),
    _cause(
        r"no pg_hba.conf entry",
        "the server does not accept connections from this host, for this user or to this database",
        "check user and database; or add a line for them to the server's pg_hba.conf",
    ),
    _cause(
        r"password authentication failed|no password supplied|fe_sendauth",
        "the password is wrong or missing",
        "check user and password of the URL; percent-encode : / ? # [ ] @ % in a password (@ as %40)",
    ),
    _cause(
        r'database "[^"]*" does not exist',
        "the database does not exist",
        "create it (createdb), or name another one in the URL",
    ),
    _cause(
        r"permission denied for database",
        "the role may not connect to this database",
        "as an administrator: GRANT CONNECT ON DATABASE ... TO the role of the URL",
    ),
    _cause(
        r"is not permitted to log in|is not currently accepting connections",
        "this role may not log in, or this database accepts no connections",
        "as an administrator: ALTER ROLE ... LOGIN, or ALTER DATABASE ... ALLOW_CONNECTIONS true",
    ),
    _cause(r'role "[^"]*" does not exist', "the user does not exist", "check the user of the URL"),
    _cause(
        r"resolve host|could not translate host|Name or service not known",
        "the host is unknown",
        "check the host of the URL, and whether an @ in the password is written as %40",
    ),
    _cause(
        r"too many clients|too many connections|remaining connection slots|connection limit",
        "the server has no free connection",
        f"{CONNECTIONS}: run with fewer --workers, close other connections, or raise max_connections",
        passing=True,
    ),
    _cause(
        r"starting up|shutting down|recovery mode|not yet accepting|terminating connection due to administrator",
        "the server is starting or stopping",
        "run the same command again in a moment",
        passing=True,
    ),
    _cause(
        r"[Cc]onnection refused|No such file or directory",
        "no server is listening there",
        "check that the server runs, and host and port of the URL",
        passing=True,
    ),
    _cause(
        r"timeout|timed out",
        "no answer in time",
        "check host and port of the URL, and whether a firewall blocks the connection",
        passing=True,
    ),
    _cause(r"SSL|certificate|TLS", "the TLS connection failed", "check sslmode, and the server's TLS"),
    _cause(
        r"FATAL: ",
        "the server answers, and refuses the connection",
        "host and port are right: correct what the server's message names; its log may say more",
        passing=True,
    ),
)
_UNKNOWN = _cause("", "no connection", "check host, port, user, password and database of the URL", passing=True)


def no_connection(error: Exception, url: str, why_not_trusted: Callable[[], str] = lambda: "") -> CrossfadeError:
    """Return Unreachable with its cause; Misused if the URL itself is wrong; CrossfadeError at a limit of this process.

    `why_not_trusted` is asked about a certificate of which libpq says only that it is not trusted.
    """
    text = str(error)
    if _NOT_TRUSTED in text:
        text = f"{why_not_trusted()} {text}"
    cause = next((each for each in _CAUSES if each.pattern.search(text)), _UNKNOWN)
    message = f"cannot reach PostgreSQL at {hide_password(url)}: {cause.fact} ({first_line(error, url)})"
    if cause.misused:
        return Misused(f"{cause.fact} in {hide_password(url)}: {first_line(error, url)}", hint=cause.hint)
    if cause.own:
        return CrossfadeError(f"{cause.fact} ({first_line(error, url)}); committed work is kept", hint=cause.hint)
    ours = Unreachable(message, hint=cause.hint)
    ours.passing = cause.passing
    return ours
