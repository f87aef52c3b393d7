"""A chunk is read in equal parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.records.bson import batch_size
from crossfade.records.bson.batch_size import documents_a_batch


@pytest.mark.parametrize(("native", "most"), [(object(), 18_000), (None, 7_500)])
@given(count=st.integers(0, 300_000))
def test_no_small_batch_is_left_over(native: object, most: int, count: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_size, "extension", lambda: native)
        size = documents_a_batch(count)
    assert 0 < size <= most
    whole, last = divmod(count, size)
    assert whole == 0 or last == 0 or last >= size - whole
