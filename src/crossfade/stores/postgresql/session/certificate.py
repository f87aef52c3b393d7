"""Find out why a server's certificate is not trusted, which libpq does not say."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # SSLRequest: the server answers S if it offers TLS
_SECONDS = 5


def why_not_trusted(conninfo: str) -> str:
    """Return what OpenSSL says about the server's certificate; "" if that is unknown."""
    given = conninfo_to_dict(conninfo)
    host = given.get("hostaddr") or given.get("host") or os.environ.get("PGHOST", "localhost")
    port = given.get("port") or os.environ.get("PGPORT", "5432")
    root = given.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or Path.home() / ".postgresql" / "root.crt"
    try:
        context = ssl.create_default_context(cafile=None if root == "system" else str(root))
        context.check_hostname = False
        with socket.create_connection((str(host), int(port)), _SECONDS) as plain:
            plain.sendall(_REQUEST)
            if plain.recv(1) == b"S":
                context.wrap_socket(plain).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, ValueError):  # several hosts, a socket's folder, an invalid file
        return ""
    return ""
