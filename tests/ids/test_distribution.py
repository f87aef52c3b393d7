"""crossfade-ids as an application uses it: without crossfade, with bson's types, and strict about its input."""

from __future__ import annotations

import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import given

import crossfade_ids
from crossfade_ids import object_id_in, uuid_of
from strategies import object_ids


@given(object_ids)
def test_an_object_id_is_its_bytes(value: ObjectId) -> None:
    found = uuid_of(value)
    assert found == uuid_of(value.binary)
    assert found is not None
    assert object_id_in(found) == value.binary
    assert uuid_of(value, "x") == uuid_of(value.binary, "x")


def test_numbers_of_bson_are_those_of_python() -> None:
    assert uuid_of(Int64(5)) == uuid_of(5) == uuid_of(Decimal128("5"))
    assert uuid_of(Decimal128("0.1")) == uuid_of(Decimal("0.1"))


@pytest.mark.parametrize("size", [0, 11, 13, 16])
def test_bytes_that_are_no_object_id_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=str(size)):
        uuid_of(bytes(size))
    with pytest.raises(ValueError, match=str(size)):
        uuid_of(bytes(size), 1)


def test_a_type_without_an_identity_is_refused() -> None:
    with pytest.raises(TypeError, match="list"):
        uuid_of([1])


def test_no_uuid_of_others_is_taken_for_an_object_id() -> None:
    assert object_id_in(uuid.uuid4()) is None
    assert object_id_in(uuid.UUID(int=0)) is None


def test_it_needs_nothing_but_the_standard_library() -> None:
    """In an interpreter without site-packages."""
    folder = Path(crossfade_ids.__file__).parents[1]
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from crossfade_ids import uuid_of; print(uuid_of(bytes(12)))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "00000000-0000-8000-8000-000000cf01d0"
