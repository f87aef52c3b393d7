"""What is said if reads by ranges of a key do not find all records."""

from __future__ import annotations

from crossfade.errors import CrossfadeError


def not_all_read(entity: str, found: int, there: int) -> CrossfadeError:
    """Return the error. An index that is damaged, or that was built in another order of texts, as those of PostgreSQL
    after an update of the operating system, hides records from every range: without a word, and each time the same
    ones.
    """
    return CrossfadeError(
        f"by ranges of its key {entity} has {found:,} records, counted at once {there:,}; nothing is proven",
        hint=f"rebuild the indexes of {entity} in the source (REINDEX), then crossfade reset, crossfade run",
    )
