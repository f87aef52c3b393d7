"""Notes on a schema, collected so that each is shown once."""

from __future__ import annotations

_SHOWN = 5


class Notes:
    """Notes in the order of their occurrence; the places that a note is about are listed after it."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}

    def add(self, note: str, place: str | None = None) -> None:
        """Add a note about the whole schema or about one place such as `User.email`."""
        places = self._places.setdefault(note, [])
        if place is not None and place not in places:
            places.append(place)

    def lines(self) -> tuple[str, ...]:
        """Return every note as one line."""
        return tuple(_line(note, places) for note, places in self._places.items())


def _line(note: str, places: list[str]) -> str:
    if not places:
        return note
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"{note}: {', '.join(places[:_SHOWN])}{more}"
