"""A copy of an example's project, and the commands of Crossfade on it: each is shown, and so is what it prints."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from journeys.servers import Sides

EXAMPLES = Path(__file__).resolve().parents[1]
WORK = EXAMPLES.parent / ".demo"
STAGE = "stage.json"
WAIT_SECONDS = 600.0  # a busy machine is no finding
TRIES = 5


def say(text: str) -> None:
    print(f"\n== {text}\n", flush=True)


class Project:
    """`more` is added to its crossfade.toml. `name`: the folder of the example, and of its copy in .demo/ (`work`)."""

    def __init__(self, name: str, sides: Sides, more: str = "", work: Path = WORK) -> None:
        folder = work / f"{name}-journey"
        shutil.rmtree(folder, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__", "report.*", "source.lock.json", "*.py")
        shutil.copytree(EXAMPLES / name, folder, ignore=ignored)
        with (folder / "crossfade.toml").open("a", encoding="utf-8") as settings:
            settings.write(more)
        self.folder = folder
        self.environment = {**os.environ, "SOURCE_URL": sides.old.crossfade, "TARGET_URL": sides.new.crossfade}

    @property
    def stage(self) -> Path:
        """The file of `[cutover] file`."""
        return self.folder / STAGE

    def __call__(self, *words: str, expect: int | None = 0) -> int:
        """Run a command; return its exit status. The journey ends where that is not the expected one (None: any)."""
        print(f"$ crossfade {' '.join(words)}", flush=True)
        status = subprocess.run(self._command(*words), env=self.environment, check=False).returncode
        if expect not in (None, status):
            raise SystemExit(f"crossfade {words[0]} ended with exit status {status}")
        return status

    def json(self, *words: str) -> Any:
        """What a command prints with --json; it is not shown."""
        command = self._command(*words, "--json", "--quiet")
        done = subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def follow(self, *between: str) -> None:
        """Survey, do the commands in between, start in the background, and wait until it has copied and follows."""
        self("survey", "--quiet")
        for command in between:
            self(command)
        self.start()

    def start(self) -> None:
        """Start in the background, in whatever direction it goes, and wait until it follows."""
        self("start", "--detach", "--quiet")
        self.until("it follows", self.is_following)

    def is_following(self) -> bool:
        found = self.json("status").get("following")
        return found is not None and found["state"] == "following" and found["lag_ms"] is not None

    def shift(self, command: str = "cutover") -> None:
        """Show the plan of a cutover (or of another command with plans), and carry out exactly that one.

        Where a gate holds no more by then (the lag, on a busy machine), wait for it again.
        """
        plan: dict[str, Any] = {}

        def holds() -> bool:
            plan.update(self.json(command, "--dry-run"))
            return bool(plan.get("ok"))

        self.until("the gates hold", holds)
        self(command, "--dry-run", expect=None)
        for _ in range(TRIES):
            if self(command, "--plan", plan["plan"], expect=None) == 0:
                return
            self.until("the gates hold", holds)
        raise SystemExit(f"crossfade {command} did not succeed")

    def until(self, what: str, holds: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what}: not in {seconds:g} s")
            time.sleep(1)

    def stop(self) -> None:
        """Let no run that was started in the background outlive the journey."""
        subprocess.run(self._command("stop", "--quiet"), env=self.environment, check=False, capture_output=True)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "crossfade", *words, "--project", os.path.relpath(self.folder)]
