"""Certificates for servers of the tests, made by the openssl command."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OPENSSL = shutil.which("openssl")


@dataclass(frozen=True)
class Authority:
    """A certificate authority in `folder`."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def sign(self, name: str, subject: str, *, days: int = 2) -> tuple[Path, Path]:
        """The certificate and the key of a server that is called `subject` (DNS:... or IP:...)."""
        key, asked, signed = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        names = self.folder / f"{name}.names"
        names.write_text(f"subjectAltName={subject}\n")
        _openssl("req", "-new", *_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", asked)
        own = ("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        _openssl("x509", "-req", "-in", asked, *own, "-days", days, "-extfile", names, "-out", signed)
        return signed, key


_KEY = ("-newkey", "rsa:2048", "-nodes")


def authority(folder: Path) -> Authority:
    folder.mkdir(parents=True)
    own = ("-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    _openssl("req", "-x509", *_KEY, "-days", 2, "-subj", f"/CN={folder.name}", *own)
    return Authority(folder)


def _openssl(*arguments: object) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *map(str, arguments)], check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"})
