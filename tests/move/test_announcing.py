"""The webhook is told by a real server what has happened, and what it answers is told to people."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from crossfade.move import announcing
from crossfade.move.announcing import announce, cannot
from crossfade.project import Cutover
from following import wait_for

FACTS = {"stage": "target", "plan": "820fb047cbaf", "at": "2026-11-29T11:40:57+00:00", "move": "shop"}


@contextmanager
def webhook(status: int = 204, wait: threading.Event | None = None) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """Serve on a free port; yield the address, and what arrives there: path, content type, document."""
    seen: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], json.loads(body)))
            if wait is not None:
                wait.wait(120)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/7?a=b", seen
    finally:
        if wait is not None:
            wait.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_command_in_the_folder_is_found_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "switch.sh").write_text("#!/bin/sh\n")
    (tmp_path / "switch.sh").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    settings = Cutover(after=("./switch.sh", "./not-there.sh", "true"))
    for folder in (Path(), tmp_path):
        assert cannot(settings, folder) == ["./not-there.sh: no such command"]


def test_the_facts_are_posted(tmp_path: Path) -> None:
    with webhook() as (url, seen):
        assert announce(Cutover(webhook=url), tmp_path, FACTS) == []
    assert seen == [("/hooks/7?a=b", "application/json", FACTS)]


@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_is_told_and_the_others_are_told_all_the_same(status: int, tmp_path: Path) -> None:
    settings = {"file": "open.json", "after": ("touch told",)}
    with webhook(status) as (url, seen):
        failures = announce(Cutover(webhook=url, **settings), tmp_path, FACTS)  # type: ignore[arg-type]
    assert len(seen) == 1
    assert [str(status) in failure for failure in failures] == [True]
    assert json.loads((tmp_path / "open.json").read_text()) == FACTS
    assert (tmp_path / "told").exists()


def test_an_answer_that_is_no_http_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"go away\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        failures = announce(Cutover(webhook=f"http://127.0.0.1:{server.getsockname()[1]}/"), tmp_path, FACTS)
        thread.join()
    assert len(failures) == 1


def test_nobody_listens(tmp_path: Path) -> None:
    with webhook() as (url, _):
        pass
    assert len(announce(Cutover(webhook=url), tmp_path, FACTS)) == 1
    assert len(announce(Cutover(webhook="not an address"), tmp_path, FACTS)) == 1


def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "SECONDS", 0.2)
    with webhook(wait=threading.Event()) as (url, seen):
        assert len(announce(Cutover(webhook=url), tmp_path, FACTS)) == 1
        wait_for(lambda: seen)
    assert len(seen) == 1
