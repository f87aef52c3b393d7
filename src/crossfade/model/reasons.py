"""The words for why a record is in quarantine: stable, documented in docs/reference/errors.md."""

from __future__ import annotations

from crossfade.model.rejection import REMAINDER

REASONS = (
    "out_of_range",
    "not_null",
    "too_long",
    "nul_character",
    "not_a_label",
    "not_json",
    "unpaired_surrogate",
    "precision",
    "not_a_number",
    "too_deep",
    "bad_type",
    "duplicate_key",
    "invalid_utf8",
    "broken",
    REMAINDER,
    "unseen_path",
    "unseen_type",
    "mapping_error",
    "no_rows",
    "too_large",
    "looked_up",
    "unique",
    "foreign_key",
    "check",
    "exclusion",
    "raised",
    "bad_value",
    "failed",
)

UNSEEN = ("unseen_path", "unseen_type")
"""The reasons of records that have what the survey has not seen."""
