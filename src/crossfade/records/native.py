"""The distribution `crossfade-native` (native/), used where it is installed. `CROSSFADE_NATIVE=0` turns it off."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import Any

CONTRACT = 5  # the version of the module's interface; native/src/lib.rs has the same number


@cache
def extension() -> Any | None:
    """Return the module, or None if it is not installed, has another version than this, or is turned off."""
    found = None if os.environ.get("CROSSFADE_NATIVE") == "0" else _installed()
    return found if getattr(found, "CONTRACT", None) == CONTRACT else None


@cache
def _installed() -> Any | None:
    try:
        return importlib.import_module("crossfade_native")
    except ImportError:
        return None


def slow_reader() -> str | None:
    """Return a line for people if the slow reader is in use: why, and how to get the other; else None."""
    return None if extension() is not None else native_status()


def native_status() -> str:
    """Return a line for people: which reader is in use, and how to get the other."""
    if (found := extension()) is not None:
        return f"reading with crossfade-native {found.__version__}"
    if os.environ.get("CROSSFADE_NATIVE") == "0":
        why = "CROSSFADE_NATIVE=0 turns crossfade-native off"
    elif (other := _installed()) is not None:
        why = f"crossfade-native {other.__version__} does not match this version of crossfade (run make native)"
    else:
        why = "crossfade-native is not installed (make native builds it, with Rust)"
    return f"reading in Python, which is slow: {why}"
