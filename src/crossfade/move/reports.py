"""The parts of a verification report, for the command line."""

from __future__ import annotations

from crossfade.mapping.language.compile import read_mappings
from crossfade.verify.conclusion import torn, unaccounted
from crossfade.verify.facts import CauseShown, Example, Facts, MappingShown
from crossfade.verify.not_carried import LeftBehind
from crossfade.verify.report import as_json, forget_old, set_aside, write_reports
from crossfade.verify.show import shown
from crossfade.verify.verdict import COMPLETE, KINDS, SET_ASIDE, UNSETTLED, Verdict

__all__ = [
    "COMPLETE",
    "KINDS",
    "SET_ASIDE",
    "UNSETTLED",
    "CauseShown",
    "Example",
    "Facts",
    "LeftBehind",
    "MappingShown",
    "Verdict",
    "as_json",
    "forget_old",
    "read_mappings",
    "set_aside",
    "shown",
    "torn",
    "unaccounted",
    "write_reports",
]
