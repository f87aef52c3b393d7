"""What a reader of the schema should know, gathered so that one thing is said once."""

from __future__ import annotations

_SHOWN = 5


class Notes:
    """Notes in the order they came up; the places that one note is about are listed behind it."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}

    def add(self, note: str, place: str | None = None) -> None:
        """Say something, of the whole schema or of one place such as `User.email`."""
        places = self._places.setdefault(note, [])
        if place is not None and place not in places:
            places.append(place)

    def lines(self) -> tuple[str, ...]:
        """Every note as one line."""
        return tuple(_line(note, places) for note, places in self._places.items())


def _line(note: str, places: list[str]) -> str:
    if not places:
        return note
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"{note}: {', '.join(places[:_SHOWN])}{more}"
