"""A TCP connection that can be broken on purpose."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

BLOCK = 65536
BIND_SECONDS = 60.0
# Closes with a reset instead of a goodbye: what a cut cable or a killed server looks like.
RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a port of its own and carries every connection to `host`:`port`.

    >>> with Proxy("127.0.0.1", 5432) as proxy:  # doctest: +SKIP
    ...     url = through(url, proxy)
    ...     proxy.cut()      # every open connection breaks; new ones are carried
    ...     proxy.refuse()   # new ones are refused; open ones continue
    ...     proxy.restore()  # as at the start

    `carried` counts the bytes transferred in both directions, so that a test can break things in the middle.
    """

    host = "127.0.0.1"

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.carried = 0
        self._cut_at: int | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    def start(self) -> Self:
        """Listen; `port` is set from here on."""
        self._listen()
        return self

    def stop(self) -> None:
        """Refuse new connections and cut the open ones."""
        self.refuse()
        self.cut()

    def cut(self) -> None:
        """Break every open connection, both ends, now."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _reset(end)

    def cut_after(self, count: int) -> None:
        """Break every open connection, once, when `count` more bytes have been transferred."""
        with self._lock:
            self._cut_at = self.carried + count

    def refuse(self) -> None:
        """Refuse new connections until `restore`. Open connections continue."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
            listener.close()

    def restore(self) -> None:
        """Carry new connections again, on the same port."""
        if self._listener is None:
            self._listen()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self) -> None:
        listener = _bound(self.host, self.port)
        listener.listen()
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while listener is self._listener:
            try:
                near, _ = listener.accept()
            except OSError:  # closed by refuse()
                return
            self._join(near, listener)

    def _join(self, near: socket.socket, listener: socket.socket) -> None:
        try:
            far = socket.create_connection(self.target, timeout=10)
        except OSError:
            _reset(near)
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {near, far}
        if listener is not self._listener:  # it was accepted, and then refuse() and cut() came before it was open
            self._drop(near, far)
            return
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Forward one direction until it ends. The databases' protocols have no half-closed connections."""
        with suppress(OSError):
            while block := source.recv(BLOCK):
                if self._count(len(block)):
                    self.cut()
                    return
                sink.sendall(block)
        self._drop(source, sink)

    def _drop(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            _close(end, socket.SHUT_RDWR)

    def _count(self, size: int) -> bool:
        """Count transferred bytes. Return whether the connection is to be cut now."""
        with self._lock:
            self.carried += size
            if self._cut_at is None or self.carried < self._cut_at:
                return False
            self._cut_at = None
            return True


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket at this port, or at any if it is 0. Somebody else's connection may have the port for a while."""
    until = time.monotonic() + BIND_SECONDS
    while True:
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, port))
            return found
        except OSError:
            found.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    _close(end, socket.SHUT_RD)


def _close(end: socket.socket, how: int) -> None:
    with suppress(OSError):
        end.shutdown(how)  # wakes the thread that waits in recv
    end.close()
