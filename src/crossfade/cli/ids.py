"""`crossfade id`: convert an ObjectId to its UUID, and back."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.errors import Misused
from crossfade_ids import object_id_in, uuid_of_object_id

VALUE = Annotated[str, typer.Argument(metavar="ID", help="An ObjectId (24 hexadecimal digits) or a UUID.")]


@command("crossfade id 507f1f77bcf86cd799439011")
def convert(call: Invocation, value: VALUE) -> Answer:
    """Show the UUID that uuid_of returns for an ObjectId, or the ObjectId that a UUID holds.

    Exit status 1 if the UUID holds no ObjectId.
    """
    document = _document(value.strip())
    return Answer(document, lambda screen: _draw(screen, document), ok=document["object_id"] is not None)


def _document(text: str) -> dict[str, Any]:
    if re.fullmatch(r"[0-9A-Fa-f]{24}", text):
        return {"object_id": text.lower(), "uuid": str(uuid_of_object_id(bytes.fromhex(text)))}
    try:
        found = uuid.UUID(text)
    except ValueError:
        raise Misused(f"{text!r} is neither an ObjectId nor a UUID", hint="24 hexadecimal digits, or a UUID") from None
    inside = object_id_in(found)
    return {"object_id": inside.hex() if inside else None, "uuid": str(found)}


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    screen.line(f"ObjectId  {document['object_id'] or 'none: this UUID was not made from an ObjectId'}")
    screen.line(f"UUID      {document['uuid']}")
