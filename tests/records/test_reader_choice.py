"""Which reader is used, and what is printed about it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from crossfade.records import native


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CROSSFADE_NATIVE", raising=False)
    native.extension.cache_clear()
    yield
    monkeypatch.undo()
    native.extension.cache_clear()


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (None, "reading in Python, which is slow: crossfade-native is not installed"),
        (SimpleNamespace(__version__="0.0.9"), "crossfade-native 0.0.9 does not match this version of crossfade"),
        (SimpleNamespace(__version__="9.0", CONTRACT=native.CONTRACT + 1), "crossfade-native 9.0 does not match"),
    ],
)
def test_what_does_not_fit_is_left_alone(installed: object, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_installed", lambda: installed)
    assert native.extension() is None
    assert said in native.native_status()
    assert "make native" in native.native_status()


def test_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFADE_NATIVE", "0")
    assert native.extension() is None
    assert "CROSSFADE_NATIVE=0" in native.native_status()


def test_what_fits_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = SimpleNamespace(__version__="1.0", CONTRACT=native.CONTRACT)
    monkeypatch.setattr(native, "_installed", lambda: fits)
    assert native.extension() is fits
    assert native.native_status() == "reading with crossfade-native 1.0"
