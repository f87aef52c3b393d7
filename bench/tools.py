"""Other people's tools, in a virtual environment of their own, so that nothing of theirs comes into ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

# sling's own package fetches a binary when it first runs; this one carries it.
SLING = "sling-linux-amd64==1.4.11"
DLT = ("dlt[postgres]==1.31.0", "pymongo")
INSTALLING = 900.0


@dataclass(frozen=True)
class Tools:
    """`sling` and `dlt` are what to run (the binary, the interpreter), or None; `missing` says why not."""

    sling: Path | None
    dlt: Path | None
    missing: dict[str, str]


def install(cache: Path) -> Tools:
    """Installs what is not there yet. What cannot be installed here is missing, with pip's reason."""
    python = cache / "tools" / "bin" / "python"
    if not python.exists():
        venv.create(cache / "tools", with_pip=True)
    missing = {}
    for name, wanted in (("sling", [SLING]), ("dlt", list(DLT))):
        done = cache / f"{name}-{'-'.join(wanted)}.installed"
        if not done.exists():
            reason = _pip(python, wanted)
            if reason:
                missing[name] = reason
            else:
                done.touch()
    binary = next((cache / "tools").glob("lib/*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"), None)
    if binary is not None:
        binary.chmod(0o755)
    return Tools(None if "sling" in missing else binary, None if "dlt" in missing else python, missing)


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


def version(tools: Tools, package: str) -> str:
    """The version of a package in the tools' environment, or ""."""
    python = tools.dlt or (tools.sling and tools.sling.parents[5] / "bin" / "python")
    if not python:
        return ""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()
