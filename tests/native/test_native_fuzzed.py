"""Saved inputs of the fuzzer, read by both: CROSSFADE_FUZZ_CORPUS names their folder (see native/README.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from alike import assert_read_alike, columns_of
from test_native_columns import shape_of
from test_native_count import assert_counted_alike
from test_native_digest import assert_digested_alike

FOLDER = os.environ.get("CROSSFADE_FUZZ_CORPUS", "")


@pytest.mark.skipif(not FOLDER, reason="no fuzzer's corpus: set CROSSFADE_FUZZ_CORPUS to its folder")
def test_what_the_fuzzer_kept() -> None:
    batches = [file.read_bytes() for file in sorted(Path(FOLDER).iterdir())]
    other = shape_of(b"".join(batches[:3]))
    for batch in batches:
        shape = shape_of(batch)
        assert_read_alike(shape, list(columns_of(shape.root, deep=1)), batch)
        assert_read_alike(other, list(columns_of(other.root, deep=0)), batch)
        assert_counted_alike(batch)
        assert_digested_alike(batch)
