"""A value that is worked out while its caller does other things: for what waits for a server, not for a processor."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Ahead(Generic[Value]):
    """Begins at once, in a thread. No future of `concurrent.futures`: Ctrl-C may strike while it is waited for."""

    def __init__(self, work: Callable[[], Value]) -> None:
        self._values: list[Value] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Value]) -> None:
        try:
            self._values.append(work())
        except BaseException as error:
            self._error = error

    def get(self) -> Value:
        """The value, when it is there. Raises what the work raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._values[0]

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Returns when the work is done, or has failed."""
        self._thread.join()
