"""Resolves blocks into a shape: looks up every name, binds every attribute, reports duplicates and unknown names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossfade.schema.prisma.attributes import ON_ENUM, ON_FIELD, ON_LABEL, ON_MODEL, Bound, bind
from crossfade.schema.prisma.datasource import read_source
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.shape import SCALARS, EnumShape, FieldShape, ModelShape, SchemaShape
from crossfade.schema.prisma.syntax import Attribute, Block, Field, FilePlace

_LISTED = 5


def resolve(blocks: Sequence[Block], faults: Faults, *, has_composites: bool = False) -> SchemaShape:
    """Return the schema made of the blocks of all files. Without `has_composites`, a composite type is a fault."""
    shape = SchemaShape(read_source(blocks, faults))
    own = _distinct(blocks, faults)
    for block in own:
        if block.kind == "enum":
            shape.enums[block.name] = _enum(block, faults)
        elif block.kind in ("model", "view"):
            shape.models[block.name] = _model(block, shape, faults)
        elif block.kind == "type" and has_composites:
            shape.composites[block.name] = _model(block, shape, faults)
    shape.untyped = {b.name: b for b in own if b.kind in ("type", "") and b.name not in shape.composites}
    for block in shape.untyped.values():
        if not block.kind:
            continue
        reason = f"the composite type {block.name} exists only in MongoDB; SQL has no such column type"
        faults.add(block.place, reason, hint=f"make {block.name} a model with a relation, or its fields Json")
    unknown: dict[str, list[tuple[ModelShape, FieldShape]]] = {}
    for model in (*shape.models.values(), *shape.composites.values()):
        for field in model.fields.values():
            if not _typed(field, shape, faults):
                unknown.setdefault(field.source.type.name, []).append((model, field))
    _report_unknown(unknown, shape, faults)
    _placed(shape, faults)
    return shape


def _distinct(blocks: Sequence[Block], faults: Faults) -> list[Block]:
    """Check for duplicate names: models, views, enums and types share one set of names."""
    seen: dict[str, Block] = {}
    for block in blocks:
        if block.kind in ("datasource", "generator"):
            continue
        first = seen.setdefault(block.name, block)
        if block.name in SCALARS:
            faults.add(block.place, f"{block.name} is the name of a built-in scalar type", hint="rename the block")
        if first is not block:
            where = f"{first.place.file}:{first.place.line}"
            reason = f"duplicate {block.kind}: {block.name} is already defined at {where}"
            faults.add(block.place, reason, hint="keep one of them, or rename one and keep its table with @@map")
    return list(seen.values())


def _enum(block: Block, faults: Faults) -> EnumShape:
    bound = bind(block.attributes, ON_ENUM, "@@", faults)
    labels: dict[str, str] = {}
    for label in block.labels:
        mapped = next((b.text("name") for b in bind(label.attributes, ON_LABEL, "@", faults) if b.name == "map"), None)
        stored = label.name if mapped is None else mapped
        if label.name in labels:
            faults.add(label.place, f"the enum {block.name} has the value {label.name} twice")
        elif stored in labels.values():
            faults.add(label.place, f"two values of the enum {block.name} are stored as {stored!r}")
        labels[label.name] = stored
    if not labels and not block.lost:
        faults.add(block.place, f"the enum {block.name} has no values", hint="add its values, one name per line")
    stored_name = _one(bound, "map", "name") or block.name
    return EnumShape(block.name, stored_name, _one(bound, "schema", "name"), labels, block.place, block.doc, block.lost)


def _model(block: Block, shape: SchemaShape, faults: Faults) -> ModelShape:
    bound = bind(block.attributes, ON_MODEL, "@@", faults)
    fields: dict[str, FieldShape] = {}
    for field in block.fields:
        if field.name in fields:
            faults.add(field.place, f"{block.name} has the field {field.name} twice", hint="keep one of them")
        else:
            fields[field.name] = _field(field, shape, faults)
    if not fields and not block.lost:
        faults.add(block.place, f"{block.kind} {block.name} has no fields", hint="add at least an id: id String @id")
    return ModelShape(
        name=block.name,
        table=_one(bound, "map", "name") or block.name,
        schema=_one(bound, "schema", "name"),
        view=block.kind == "view",
        ignored=any(b.name == "ignore" for b in bound),
        place=block.place,
        doc=block.doc,
        fields=fields,
        attributes=bound,
        lost=block.lost,
    )


def _field(field: Field, shape: SchemaShape, faults: Faults) -> FieldShape:
    native = [a for a in field.attributes if "." in a.name]
    plain = [a for a in field.attributes if "." not in a.name]
    bound = {b.name: b for b in bind(plain, ON_FIELD, "@", faults)}
    return FieldShape(
        name=field.name,
        column=_one(list(bound.values()), "map", "name") or field.name,
        many=field.type.many,
        optional=field.type.optional,
        place=field.place,
        doc=field.doc,
        source=field,
        attributes=bound,
        native=_native(native, shape, faults),
    )


def _native(attributes: list[Attribute], shape: SchemaShape, faults: Faults) -> Attribute | None:
    for attribute in attributes[1:]:
        faults.add(attribute.place, "a field has one native type; this is a second one", hint="keep one of them")
    if not attributes:
        return None
    prefix, _, rest = attributes[0].name.partition(".")
    if prefix != shape.source.name:
        place = attributes[0].place
        suggestion = faults.replaced(place, f"@{prefix}.", f"@{shape.source.name}.")
        faults.add(
            place,
            f"@{prefix}.{rest} does not name the datasource, which is {shape.source.name!r}",
            suggestion=suggestion,
        )
        return None
    return attributes[0]


def _typed(field: FieldShape, shape: SchemaShape, faults: Faults) -> bool:
    """Look up the type of a field. Return False if there is none of its name.

    Composite types and invalid blocks are reported at their own place.
    """
    kind = field.source.type
    if field.many and field.optional:
        suggestion = faults.replaced(kind.place, "?", "")
        faults.add(kind.place, "a list cannot be optional: use an empty list instead", suggestion=suggestion)
    if kind.unsupported is not None:
        field.unsupported = kind.unsupported
    elif kind.name in SCALARS:
        field.scalar = kind.name
    elif kind.name in shape.enums:
        field.enum = shape.enums[kind.name]
    elif kind.name in shape.models:
        field.model = shape.models[kind.name]
    elif kind.name in shape.composites:
        field.composite = shape.composites[kind.name]
    else:
        return kind.name in shape.untyped
    return True


def _report_unknown(
    unknown: Mapping[str, Sequence[tuple[ModelShape, FieldShape]]], shape: SchemaShape, faults: Faults
) -> None:
    """Record one fault for each missing type, at the first field that has it, however many have it."""
    known = [*SCALARS, *shape.enums, *shape.models]
    for name, fields in unknown.items():
        model, field = fields[0]
        users, hint = "", _missing(model, field)
        if len(fields) > 1:
            listed = [f"{m.name}.{f.name}" for m, f in fields[:_LISTED]]
            more = f" and {len(fields) - _LISTED} more" if len(fields) > _LISTED else ""
            users = f" ({len(fields)} fields: {', '.join(listed)}{more})"
            hint = f"define model {name} or enum {name}"
        faults.unknown(field.source.type.place, "type", name, known, hint, users)


def _missing(model: ModelShape, field: FieldShape) -> str:
    """Return a hint that would make a field of an unknown type valid."""
    kind, relation = field.source.type, field.attributes.get("relation")
    key = next((f for f in model.fields.values() if "id" in f.attributes), None)
    if relation is not None and "fields" in relation.values:
        back = f"{_lower(model.name)} {model.name}[]"
        return f"define model {kind.name} with a field {back}, or enum {kind.name}, or remove {field.name}"
    called = relation.text("name") if relation else None
    name = _lower(called or model.name)
    inner = [f'"{called}"'] if called else []
    inner += [f"fields: [{name}Id]", f"references: [{key.name if key else 'id'}]"]
    column = f"{name}Id {key.source.type.name if key else 'String'}{'' if kind.many else ' @unique'}"
    enum = "" if relation else f"or define enum {kind.name}; "
    return (
        f"define model {kind.name} with {column} and {name} {model.name} @relation({', '.join(inner)}); "
        f"{enum}or remove the field {field.name}"
    )


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _placed(shape: SchemaShape, faults: Faults) -> None:
    """Check @@schema: with `schemas` in the datasource every model and enum must name its schema."""
    known = shape.source.schemas
    tops: list[ModelShape | EnumShape] = [*shape.models.values(), *shape.enums.values()]
    for top in tops:
        if top.schema is not None and top.schema not in known:
            hint = None if known else f'add to the datasource: schemas = ["{top.schema}"]'
            faults.unknown(_schema_place(top), "schema", top.schema, known, hint)
        elif top.schema is None and known:
            faults.add(top.place, f"{top.name} does not name its schema", hint=f'add @@schema("{known[0]}")')


def _schema_place(top: ModelShape | EnumShape) -> FilePlace:
    found = top.of("schema") if isinstance(top, ModelShape) else []
    return found[0].place if found else top.place


def _one(bound: list[Bound], attribute: str, argument: str) -> str | None:
    found = next((b for b in bound if b.name == attribute), None)
    return found.text(argument) or None if found else None
