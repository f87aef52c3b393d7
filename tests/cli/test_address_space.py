"""A process that may map too little memory says so before anything is done; libraries abort in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = '[source]\nurl = "dump:dump"\n[target]\nurl = "sqlite:///t.db"\nschema = "schema.sql"\n'


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
def test_what_a_run_needs_is_said(tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    check = f"ulimit -v 600000; exec {sys.executable} -m crossfade check"
    done = subprocess.run(["bash", "-c", check], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "585 MB of address space" in done.stderr
    assert "900 MB" in done.stderr
    assert not (tmp_path / "t.db").exists()
