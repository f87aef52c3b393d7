"""What records in view want of the target, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crossfade.model.rejection import Rejection
from crossfade.model.target import ForeignKey
from crossfade.pipeline.ownership import Who

Value = tuple[Any, ...]
Key = tuple[Any, ...]


@dataclass
class Claim:
    """What a record wants. `takes`: values that no other row may have; `needs`: parents that only records in view can
    make; `makes`: values of its rows that children can refer to.
    """

    takes: list[tuple[Value, Rejection]] = field(default_factory=list)
    needs: list[tuple[Value, Rejection]] = field(default_factory=list)
    makes: set[Value] = field(default_factory=set)


@dataclass
class Settled:
    """`rejected`: the records (by number) that are not accepted, and why. `look_at`: records that have to come into
    view first. `linked`: pairs of records of which one needs the other; `needing`: those of child and parent.
    `missing`: parents that the target lacks. `stuck`: records whose rows cannot be deleted, and why.
    """

    rejected: dict[int, Rejection] = field(default_factory=dict)
    look_at: set[Who] = field(default_factory=set)
    linked: set[tuple[int, int]] = field(default_factory=set)
    needing: set[tuple[int, int]] = field(default_factory=set)
    missing: dict[Value, ForeignKey] = field(default_factory=dict)
    stuck: dict[Who, str] = field(default_factory=dict)
