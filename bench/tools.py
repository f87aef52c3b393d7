"""Other people's tools, in virtual environments of their own, so that nothing of theirs comes into ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# sling's own package fetches a binary when it first runs; this one carries it.
SLING = "sling-linux-amd64==1.4.11"
# Name -> its environment, and what it is installed from. pymongoarrow's pyarrow is none of dlt's business.
WANTED = {
    "sling": ("tools", [SLING]),
    "dlt": ("tools", ["dlt[postgres]==1.31.0", "pymongo"]),
    "pymongoarrow": ("arrow", ["pymongoarrow==1.15.0"]),
    "reladiff": ("reladiff", ["reladiff==0.6.0", "psycopg2-binary"]),
    "adbc": (
        "adbc",
        ["adbc-driver-sqlite==1.13.0", "adbc-driver-postgresql==1.13.0", "pyarrow", "pymongo", "psycopg[binary]"],
    ),
}
INSTALLING = 900.0


@dataclass(frozen=True)
class Tools:
    """What to run of each (a binary, an interpreter), or None; `missing` says why not."""

    sling: Path | None = None
    dlt: Path | None = None
    pymongoarrow: Path | None = None
    reladiff: Path | None = None
    adbc: Path | None = None
    pgloader: Path | None = None
    missing: Mapping[str, str] = field(default_factory=dict)


def install(cache: Path) -> Tools:
    """Installs what is not there yet. What cannot be installed here is missing, with pip's reason."""
    missing = {}
    for name, (environment, wanted) in WANTED.items():
        done = cache / f"{name}-{'-'.join(wanted)}.installed"
        if not done.exists():
            reason = _pip(_python(cache, environment), wanted)
            if reason:
                missing[name] = reason
            else:
                done.touch()
    found = {name: _python(cache, environment) for name, (environment, _) in WANTED.items() if name not in missing}
    if "sling" in found:
        found["sling"] = next((cache / "tools").glob("lib/*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"))
        found["sling"].chmod(0o755)
    if (pgloader := shutil.which("pgloader")) is not None:
        found["pgloader"] = Path(pgloader)
    else:
        missing["pgloader"] = "it is not installed (apt-get install pgloader)"
    return Tools(**found, missing=missing)


def _python(cache: Path, environment: str) -> Path:
    """The interpreter of an environment, which is made where there is none."""
    python = cache / environment / "bin" / "python"
    if not python.exists():
        venv.create(cache / environment, with_pip=True)
    return python


def _pip(python: Path, wanted: list[str]) -> str:
    """What pip said last where it failed, or ""."""
    print(f"installing {' '.join(wanted)} beside the project", file=sys.stderr)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALLING)
    except subprocess.CalledProcessError as error:
        said = str(error.stderr).strip().splitlines()
        return said[-1] if said else f"pip ended with status {error.returncode}"
    except subprocess.TimeoutExpired:
        return f"pip took longer than {INSTALLING:.0f} seconds"
    return ""


def versions(cache: Path, tools: Tools) -> dict[str, str]:
    """What is installed of each tool."""
    packages = {"sling": SLING.split("==")[0], "adbc": "adbc-driver-sqlite"}
    return {
        name: _version(_python(cache, environment), packages.get(name, name))
        for name, (environment, _) in WANTED.items()
        if getattr(tools, name)
    }


def _version(python: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()
