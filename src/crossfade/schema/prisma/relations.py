"""Pairs the relation fields of the models and decides what each pair is: a foreign key or a join table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossfade.model.counts import counted
from crossfade.schema.prisma.attributes import Bound, field_refs
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.keys import NamedKey
from crossfade.schema.prisma.shape import FieldShape, ModelShape, SchemaShape
from crossfade.schema.prisma.syntax import Name
from crossfade.schema.prisma.types import Types

ACTIONS = {
    "Cascade": "CASCADE",
    "NoAction": "NO ACTION",
    "Restrict": "RESTRICT",
    "SetDefault": "SET DEFAULT",
    "SetNull": "SET NULL",
}


@dataclass(frozen=True)
class Side:
    """One end of a relation: a relation field and its model."""

    model: ModelShape
    field: FieldShape

    def __str__(self) -> str:
        return f"{self.model.name}.{self.field.name}"

    @property
    def relation(self) -> Bound | None:
        return self.field.attributes.get("relation")

    @property
    def name(self) -> str:
        return (self.relation.text("name") if self.relation else None) or ""

    @property
    def bound(self) -> bool:
        """Return whether this end says which columns hold the relation."""
        return self.relation is not None and bool({"fields", "references"} & set(self.relation.values))


@dataclass(frozen=True)
class ModelRelation:
    """A relation held in columns of `child`."""

    child: ModelShape
    parent: ModelShape
    fields: tuple[FieldShape, ...]
    references: tuple[FieldShape, ...]
    on_delete: str
    on_update: str
    name: str | None
    relation: str


@dataclass(frozen=True)
class ManyToMany:
    """An implicit many-to-many relation, held in a join table that Prisma creates; `a` is column A."""

    name: str
    a: ModelShape
    b: ModelShape


class RelationFinder:
    """Finds the relations of a shape."""

    def __init__(
        self,
        shape: SchemaShape,
        keys: Mapping[str, Sequence[NamedKey]],
        types: Types,
        faults: Faults,
        *,
        has_lists: bool = False,
    ) -> None:
        self.has_lists = has_lists  # may a list of ids hold a relation, as in MongoDB?
        self.shape = shape
        self.keys = keys
        self.types = types
        self.faults = faults

    def all(self) -> list[ModelRelation | ManyToMany]:
        """Return every relation once, in the order of the fields that hold them; record faults for invalid ones."""
        sides = [Side(m, f) for m in self.shape.models.values() for f in m.fields.values() if f.model is not None]
        found: list[ModelRelation | ManyToMany] = []
        done: set[tuple[str, str]] = set()
        for side in sides:
            if (side.model.name, side.field.name) in done:
                continue
            other = self._other(side, sides)
            done.add((side.model.name, side.field.name))
            if other is None:
                continue
            done.add((other.model.name, other.field.name))
            if self.has_lists and side.field.many and other.field.many:
                found += self._lists(side, other)
                continue
            relation = self._relation(side, other)
            found += [relation] if relation else []
        self._unmatched()
        return found

    def _lists(self, one: Side, two: Side) -> Iterator[ModelRelation | ManyToMany]:
        """Yield the references that lists of ids hold, on either side of a many-to-many relation."""
        for child, parent in ((one, two), (two, one)):
            if child.bound and child.relation is not None:
                fields = self._columns(child.relation, "fields", child.model)
                references = self._columns(child.relation, "references", parent.model)
                if fields and references:
                    name = child.relation.text("map")
                    yield ModelRelation(
                        child.model, parent.model, fields, references, "NO ACTION", "NO ACTION", name, child.name
                    )
        if not one.bound and not two.bound:
            yield ManyToMany(one.name or "To".join(sorted((one.model.name, two.model.name))), one.model, two.model)

    def _unmatched(self) -> None:
        """Check for @relation on a field that is not a relation, and the reverse."""
        for model in self.shape.models.values():
            for field in model.fields.values():
                relation = field.attributes.get("relation")
                if relation and field.stored:
                    reason = f"{field.name} is a {field.source.type.name}, not a model; it cannot have @relation"
                    self.faults.add(relation.place, reason, hint="put it on the field whose type is the model")
                if field.model is not None:
                    self._misplaced(field)

    def _misplaced(self, field: FieldShape) -> None:
        for name in ("id", "unique", "default", "map", "updatedAt"):
            bound = field.attributes.get(name)
            if bound is not None:
                reason = f"{field.name} is a relation, not a column; it cannot have @{name}"
                self.faults.add(bound.place, reason, hint="put it on the field that holds the id")

    def _other(self, side: Side, sides: Sequence[Side]) -> Side | None:
        """Return the other end of a relation, or record a fault and return None."""
        target = side.field.model
        candidates = [
            s
            for s in sides
            if s.model is target and s.field.model is side.model and s.name == side.name and s.field is not side.field
        ]
        rivals = [s for s in sides if s.model is side.model and s.field.model is target and s.name == side.name]
        if not candidates:
            if target is None or not target.lost:
                self._without_other_side(side)
        elif len(candidates) > 1 or (len(rivals) > 1 and target is not side.model):
            listed = ", ".join(f"{s.model.name}.{s.field.name}" for s in sorted_sides([*rivals, *candidates]))
            reason = f"{side.model.name}.{side.field.name} may belong to more than one relation: {listed}"
            self.faults.add(side.field.place, reason, hint='name each pair: @relation("Name") on both ends')
        else:
            return candidates[0]
        return None

    def _without_other_side(self, side: Side) -> None:
        target, model = side.field.model, side.model
        assert target is not None
        named = f'"{side.name}"' if side.name else ""
        relation = f" @relation({named})" if named else ""
        small = model.name[:1].lower() + model.name[1:]
        if side.bound:
            back = f"{small}s {model.name}[]{relation}"
        else:
            key = next((p.field.name for k in self.keys[model.name] if k.kind == "id" for p in k.parts), "id")
            inner = ", ".join(filter(None, [named, f"fields: [{small}Id]", f"references: [{key}]"]))
            back = f"{small} {model.name} @relation({inner}), with a column {small}Id"
        reason = f"the relation field {model.name}.{side.field.name} has no other side in {target.name}"
        self.faults.add(side.field.place, reason, hint=f"add to model {target.name}: {back}")

    def _relation(self, one: Side, two: Side) -> ModelRelation | ManyToMany | None:
        if one.field.many and two.field.many:
            return self._many_to_many(one, two)
        holders = [s for s in (one, two) if s.bound]
        if len(holders) == 2:
            reason = f"both ends of the relation {one} - {two} have fields"
            self.faults.add(two.field.place, reason, hint="keep fields and references on one end")
            return None
        if not holders:
            reason = f"neither {one} nor {two} says which columns hold the relation"
            hint = "add @relation(fields: [...], references: [...]) to the end that holds the id"
            self.faults.add((two if one.field.many else one).field.place, reason, hint=hint)
            return None
        child, parent = (one, two) if one.bound else (two, one)
        if child.field.many:
            reason = f"{child} is a list; fields and references belong to the other end, {parent}"
            self.faults.add(child.field.place, reason)
            return None
        return self._foreign_key(child, parent)

    def _many_to_many(self, one: Side, two: Side) -> ManyToMany | None:
        for side in (one, two):
            ids = [k for k in self.keys[side.model.name] if k.kind == "id"]
            if side.bound:
                reason = "both ends are lists, so Prisma creates the join table; fields and references are not allowed"
                self.faults.add(side.field.place, reason, hint="remove them, or write the join table as a model")
                return None
            if not ids or len(ids[0].parts) != 1:
                reason = f"an implicit many-to-many relation needs a single @id on {side.model.name}"
                self.faults.add(side.field.place, reason, hint="write the join table as a model with two relations")
                return None
        a, b = sorted((one, two), key=lambda s: (s.model.name, s.field.name))
        if a.model.view or b.model.view:
            return None
        return ManyToMany(one.name or f"{a.model.name}To{b.model.name}", a.model, b.model)

    def _foreign_key(self, child: Side, parent: Side) -> ModelRelation | None:
        relation = child.relation
        assert relation is not None
        fields = self._columns(relation, "fields", child.model)
        references = self._columns(relation, "references", parent.model)
        if fields is None or references is None:
            return None
        if len(fields) != len(references):
            pair = f"{counted(len(fields), 'field')} for {counted(len(references), 'reference')}"
            reason = f"{pair}: the numbers must be equal"
            self.faults.add(relation.place, reason, hint="name as many fields as references")
            return None
        self._paired(relation, fields, references)
        self._arity(child, parent, fields)
        self._unique_reference(relation, parent.model, references)
        required = any(f.required for f in fields) or (not child.field.optional and not fields)
        on_delete = self._action(relation, "onDelete") or ("RESTRICT" if required else "SET NULL")
        on_update = self._action(relation, "onUpdate") or "CASCADE"
        if "SET NULL" in (on_delete, on_update) and required:
            self.types.notes.add("SetNull on a required column fails when the parent is deleted", str(child))
        if child.model.view or parent.model.view:
            return None
        name = relation.text("map")
        return ModelRelation(child.model, parent.model, fields, references, on_delete, on_update, name, child.name)

    def _columns(self, relation: Bound, argument: str, model: ModelShape) -> tuple[FieldShape, ...] | None:
        value = relation.values.get(argument)
        refs = field_refs(value, self.faults, relation.place, f"{argument} of @relation")
        found: list[FieldShape] = []
        for ref in refs:
            field = model.fields.get(ref.name)
            if field is None and model.has(ref.name):
                continue
            if field is None:
                self.faults.unknown(ref.place, f"field of {model.name} in {argument}", ref.name, model.fields)
            elif field.model is not None or (field.many and not self.has_lists):
                kind = "a list" if field.many else "a relation"
                self.faults.add(ref.place, f"{model.name}.{ref.name} is {kind}; {argument} takes columns")
            elif field.stored:
                found.append(field)
        return tuple(found) if refs and len(found) == len(refs) else None

    def _paired(self, relation: Bound, fields: Sequence[FieldShape], references: Sequence[FieldShape]) -> None:
        for own, other in zip(fields, references, strict=True):
            mine, theirs = own.source.type.name, other.source.type.name
            if mine != theirs:
                hint = f"make {own.name} {theirs}, as {other.name} is"
                suggestion = self.faults.replaced(own.source.type.place, mine, theirs)
                reason = f"type mismatch: {own.name} is {mine}, but {other.name} is {theirs}"
                self.faults.add(own.source.type.place, reason, suggestion=suggestion, hint=hint)
            elif self.types.family(own) != self.types.family(other):
                native_type = f"@{other.native.name}" if other.native else "no native type"
                reason = (
                    f"{own.name} and {other.name} have different types in the database; a foreign key cannot join them"
                )
                self.faults.add(own.place, reason, hint=f"give both {native_type}")

    def _arity(self, child: Side, parent: Side, fields: Sequence[FieldShape]) -> None:
        """Check that a required relation has required columns, and a one-to-one relation unique ones."""
        loose = [f.name for f in fields if f.optional]
        if loose and not child.field.optional:
            reason = f"{child.field.name} is required, but its columns are optional: {', '.join(loose)}"
            kind = child.field.source.type
            suggestion = self.faults.replaced(kind.place, kind.name, f"{kind.name}?")
            self.faults.add(child.field.place, reason, suggestion=suggestion)
        if not parent.field.many and not parent.model.view and not child.model.view:
            self._one_to_one(child, parent, fields)

    def _one_to_one(self, child: Side, parent: Side, fields: Sequence[FieldShape]) -> None:
        names = {f.name for f in fields}
        if not parent.field.optional:
            suggestion = self.faults.replaced(parent.field.source.type.place, child.model.name, f"{child.model.name}?")
            self.faults.add(parent.field.place, f"{parent} is required, but no column holds it", suggestion=suggestion)
        if any(k.kind != "index" and set(k.fields) == names for k in self.keys[child.model.name]):
            return
        listed = ", ".join(f.name for f in fields)
        hint = f"add @unique to {listed}" if len(fields) == 1 else f"add @@unique([{listed}])"
        reason = f"{parent} is not a list, but {listed} is not unique in {child.model.name}"
        self.faults.add(child.field.place, reason, hint=f"{hint}, or make {parent.field.name} a list")

    def _unique_reference(self, relation: Bound, parent: ModelShape, references: Sequence[FieldShape]) -> None:
        wanted = {f.name for f in references}
        keys = [k for k in self.keys[parent.name] if k.kind != "index" and not k.where]
        if parent.view or any(set(k.fields) == wanted for k in keys):
            return
        listed = ", ".join(f.name for f in references)
        mark = f"@unique to {parent.name}.{listed}" if len(wanted) == 1 else f"@@unique([{listed}]) to {parent.name}"
        reason = f"references names {parent.name}.{listed}, which is neither an id nor unique"
        self.faults.add(relation.place, reason, hint=f"add {mark}")

    def _action(self, relation: Bound, argument: str) -> str | None:
        value = relation.values.get(argument)
        if value is None:
            return None
        word = value.path if isinstance(value, Name) else "?"
        if word not in ACTIONS:
            self.faults.unknown(value.place, argument, word, ACTIONS)
        return ACTIONS.get(word)


def sorted_sides(sides: Sequence[Side]) -> list[Side]:
    """Return ends in the order of the files, each once."""
    unique = {(s.model.name, s.field.name): s for s in sides}
    return sorted(unique.values(), key=lambda s: (s.field.place.file, s.field.place.line))
