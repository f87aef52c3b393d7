"""How a function becomes a command: the shared options, its help with an example, the message for Ctrl-C."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer

from crossfade.cli.invocation import Body, perform
from crossfade.cli.options import SHARED, take_options


@dataclass(frozen=True)
class Command:
    """`body` takes an Invocation and the command's own arguments; its docstring is the help."""

    body: Body
    examples: tuple[str, ...]
    stopped: str

    @property
    def help(self) -> str:
        return inspect.getdoc(self.body) or ""

    @property
    def epilog(self) -> str:
        """Return the examples, one per line."""
        return "\b\nExample:\n" + "\n".join(f"  {example}" for example in self.examples)

    def add_to(self, app: typer.Typer, name: str) -> None:
        summary = self.help.partition("\n")[0]
        app.command(name, help=self.help, short_help=summary, epilog=self.epilog)(self._callback())

    def lead(self, app: typer.Typer) -> None:
        """Run this command when its group is called without a subcommand."""
        call = self._callback()

        def lead(context: typer.Context, **arguments: Any) -> None:
            if context.invoked_subcommand is None:
                call(**arguments)

        own = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        lead.__signature__ = inspect.Signature([own, *inspect.signature(call).parameters.values()])  # type: ignore[attr-defined]
        lead.__annotations__ = {}
        app.callback(invoke_without_command=True, help=self.help, epilog=self.epilog)(lead)

    def _callback(self) -> Callable[..., None]:
        own = list(inspect.signature(self.body, eval_str=True).parameters.values())[1:]

        def call(**arguments: Any) -> None:
            options, mine = take_options(arguments)
            raise typer.Exit(perform(self.body, options, mine, self.stopped))

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        call.__signature__ = inspect.Signature([*parameters, *SHARED])  # type: ignore[attr-defined]
        call.__annotations__ = {}
        return call


def command(*examples: str, stopped: str = "nothing was changed") -> Callable[[Body], Command]:
    """Return a decorator that turns a function into a command. `stopped` says what is true after Ctrl-C."""
    return lambda body: Command(body, examples, stopped)
