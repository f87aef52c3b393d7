"""From the name of a vocabulary, as source.lock.json has it, to the vocabulary."""

from __future__ import annotations

from crossfade.model.vocabulary import Vocabulary

DEFAULT = "bson"
"""The one that is not named."""


def vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary of this name. Raises ValueError for one that does not exist."""
    match name:
        case "bson":
            from crossfade.records.bson.vocabulary import WORDS

            return WORDS
        case "postgresql":
            from crossfade.records.rows.vocabulary import POSTGRESQL

            return POSTGRESQL
        case "sqlite":
            from crossfade.records.rows.dynamic.vocabulary import SQLITE

            return SQLITE
    raise ValueError(f"{name!r} is not a vocabulary of types")
