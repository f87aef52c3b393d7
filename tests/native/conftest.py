"""These tests compare the native reader with the one in Python; without it they are skipped with a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfade.records.native import extension, native_status


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if extension() is not None:
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=native_status()))
