"""A process that may map too little memory says so before anything is done; libraries abort in it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = '[source]\nurl = "dump:dump"\n[target]\nurl = "sqlite:///t.db"\nschema = "schema.sql"\n'


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
@pytest.mark.parametrize("megabytes", [100, 585, 1171, 2900])
def test_what_a_run_needs_is_said(tmp_path: Path, megabytes: int) -> None:
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    check = f"ulimit -v {megabytes * 1024}; exec {sys.executable} -m crossfade check"
    done = subprocess.run(["bash", "-c", check], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"this process may use {megabytes:,} MB of address space (ulimit -v)" in done.stderr
    assert "at least 3,000 MB" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "t.db").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
@pytest.mark.parametrize("error", ["MemoryError()", "OSError(12, 'no')", 'RuntimeError("can\'t start new thread")'])
def test_the_limit_that_is_in_the_way_is_named(error: str) -> None:
    code = f"from crossfade.cli.failure import failure_of; print(failure_of({error}).message)"
    limited = f"ulimit -v 4000000; exec {sys.executable} -c {shlex.quote(code)}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=True)
    assert "this process may use 3,906 MB of address space (ulimit -v), which is not enough" in done.stdout
