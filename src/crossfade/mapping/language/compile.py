"""Compile the folder of mapping files to a Program. All faults of all files are reported together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from crossfade.errors import Fault, MappingFault
from crossfade.mapping.language.fields import ColumnSet
from crossfade.mapping.language.file_text import MappingText, SelectExcerpt
from crossfade.mapping.language.foreign import of_syntax
from crossfade.mapping.language.resolve import Wrong
from crossfade.mapping.language.select import SelectCompiler
from crossfade.mapping.language.written_calls import changed_calls
from crossfade.model.batch import Column
from crossfade.model.files import read_text
from crossfade.model.names import similar
from crossfade.model.program import Branch, Draft, Excerpt, Feed, Program, carries
from crossfade.model.shape import Node, Shape, parse_path
from crossfade.model.shape import Path as FieldRef
from crossfade.project import Discard


def read_mappings(folder: Path) -> dict[str, str]:
    """Return the SQL text of every .sql file in the folder, by table name."""
    return {f.stem: read_text(f) for f in sorted(folder.glob("*.sql"))}


def compile_program(
    mappings: Mapping[str, str], shapes: Mapping[str, Shape], discards: Sequence[Discard] = (), folder: str = "mapping"
) -> Program:
    """Compile mapping texts against the source's shapes. Raises MappingFault with all faults."""
    compiled = compile_all(mappings, shapes, discards, folder)
    if compiled.faults:
        raise MappingFault(list(compiled.faults))
    return compiled.program


@dataclass(frozen=True)
class Compiled:
    """The program of all SELECTs without faults, and the faults of the others. `draft` has these too, as far as they
    compile: it is checked, not run. `unknown` are the entities that a SELECT may refer to of which not even that is
    known: it is unknown what is mapped of them.
    """

    program: Program
    draft: Program
    faults: tuple[Fault, ...] = ()
    unknown: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether there are mappings, and all of them compile."""
        return bool(self.program.files) and not self.faults


def compile_all(
    mappings: Mapping[str, str], shapes: Mapping[str, Shape], discards: Sequence[Discard] = (), folder: str = "mapping"
) -> Compiled:
    """Compile like `compile_program`, but return what has no faults together with the faults of the rest."""
    faults: list[Fault] = []
    unknown: set[str] = set()
    places = {entity: ColumnSet() for entity in shapes}
    branches: list[Branch] = []
    for table, text in sorted(mappings.items()):
        found = list(_compile_file(table, text, f"{folder}/{table}.sql", shapes, places, faults))
        branches += [branch for branch in found if branch is not None]
        unknown |= _mentioned(text, shapes) if None in found else set()
    conditions = _discard_conditions(discards, shapes, places, faults)
    files = {table: f"{folder}/{table}.sql" for table in mappings}

    def program(branches: Sequence[Branch]) -> Program:
        feeds = {}
        for entity in sorted({b.entity for b in branches} | set(conditions)):
            own = tuple(b for b in branches if b.entity == entity)
            left_behind = _discarded_paths(discards, shapes[entity])
            columns = _with_rest(places[entity].columns(), branches, entity, left_behind)
            feeds[entity] = Feed(entity, columns, own, conditions.get(entity), _valid_json(columns, shapes[entity]))
        return Program(feeds, digest_of(mappings, discards), files)

    draft = program(branches)
    sound = [branch for branch in branches if not isinstance(branch, Draft)]
    return Compiled(draft if sound == branches else program(sound), draft, tuple(faults), frozenset(unknown))


def _valid_json(columns: Iterable[Column], shape: Shape) -> frozenset[str]:
    """Return the columns of JSON in which no object has a name twice: the reader prints them, or they hold a whole
    column of the source of type jsonb, which its database has parsed. Other JSON of a source is text as it was written.
    """
    return frozenset(c.name for c in columns if _is_valid_json(c, shape))


def _is_valid_json(column: Column, shape: Shape) -> bool:
    node = shape.node(column.path)
    if column.form == "native":
        parsed = node is not None and (node.kind, node.declared) == ("json", "jsonb")
        return parsed and len(column.path) == 1
    if column.form not in ("json", "ejson", "rest"):
        return False
    whole = shape.root.fields if not column.path else [node] if node is not None and len(column.path) == 1 else []
    return not any(_holds_json_text(one) for one in whole)


def _holds_json_text(node: Node) -> bool:
    """Whether a column of the source holds JSON as it was written: it is embedded as it is."""
    names = {node.declared.lower(), *(node.element.types if node.element is not None else ())}
    return any(name.startswith("json") for name in names - node.vocabulary.parsed_json)


def _mentioned(text: str, entities: Iterable[str]) -> set[str]:
    """Return the entities that a mapping may refer to, also by a name that is only similar, or all if its text cannot
    even be tokenized.
    """
    known, tokens = list(entities), MappingText(text).tokens
    words = {token.text for token in tokens}
    roots = [name.text for word, name in pairwise(tokens) if word.token_type == TokenType.FROM]
    meant = {e for root in roots for e in similar(root, known)}
    return {e for e in known if not words or {e, e.partition(".")[0]} & words or e in meant}


def digest_of(mappings: Mapping[str, str], discards: Sequence[Discard]) -> str:
    """Return a digest of the mappings and discards."""
    text = repr(sorted(mappings.items())) + repr([d.model_dump() for d in discards])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compile_file(
    table: str,
    text: str,
    file: str,
    shapes: Mapping[str, Shape],
    places: Mapping[str, ColumnSet],
    faults: list[Fault],
) -> list[Branch | None]:
    """Return the SELECTs of a file; None for what cannot be compiled, so that it is unknown which entities it maps."""
    source = MappingText(text)
    try:
        statements = [
            s for s in sqlglot.parse(text, read="duckdb") if s is not None and not isinstance(s, exp.Semicolon)
        ]
    except SqlglotError as e:
        faults.append(_parse_fault(e, source, file))
        return [None]
    except RecursionError:
        faults.append(Fault(file, 1, 0, "nested too deeply to be parsed"))
        return [None]
    if len(statements) != 1:
        faults.append(Fault(file, 1, 0, f"a mapping is one SELECT, but the file has {len(statements)} statements"))
        return [None]
    changed = _not_as_written(source, file)
    faults += changed
    out: list[Branch | None] = [None] if changed else []
    excerpts = source.selects()
    for number, part in enumerate(_branches(statements[0])):
        where = excerpts[number] if number < len(excerpts) else SelectExcerpt(0, Excerpt(1, 1, ""), ())
        if isinstance(part, Wrong):
            faults.append(_fault(part, source, file))
            continue
        compiler = SelectCompiler(shapes, places)
        out.append(compiler.compile(part, table, file, number, where))
        faults += [_fault(w, source, file, where.start) for w in compiler.faults]
    return out or [None]


def _branches(statement: exp.Expr) -> Iterator[exp.Select | Wrong]:
    """Yield the SELECTs that a UNION ALL combines, and the faults of everything else."""
    extra = [k for k in ("with_", "order", "limit", "offset") if statement.args.get(k)]
    if isinstance(statement, exp.Subquery) and not statement.args.get("alias"):
        yield from _branches(statement.this)
    elif isinstance(statement, exp.Union):
        if statement.args.get("distinct"):
            yield Wrong(statement, "UNION removes duplicates across records", "UNION ALL", keyword="UNION")
        if statement.args.get("by_name"):
            yield Wrong(
                statement, "BY NAME is not needed", "UNION ALL: outputs are matched by name anyway", keyword="BY"
            )
        yield from _branches(statement.this)
        yield from _branches(statement.expression)
    elif isinstance(statement, exp.Select):
        yield statement
        return
    else:
        word = statement.key.upper()
        yield Wrong(statement, f"a mapping is a SELECT, not {word}", keyword=word)
    for key in extra:
        word = {"with_": "WITH", "order": "ORDER BY"}.get(key, key.upper())
        reason = f"{word} is not allowed here: its result would depend on several root records"
        yield Wrong(statement, reason, keyword="ORDER BY" if key == "order" else word)


def _discard_conditions(
    discards: Sequence[Discard], shapes: Mapping[str, Shape], places: Mapping[str, ColumnSet], faults: list[Fault]
) -> dict[str, str]:
    """Return, for each entity, SQL for the rows that a `where` of a discard matches."""
    texts: dict[str, list[str]] = {}
    for discard in discards:
        if discard.where is None or discard.entity is None or discard.alias is None:
            continue
        if discard.entity not in shapes:
            continue  # coverage reports discards of what the source does not have
        changed = _not_as_written(MappingText(discard.where), "crossfade.toml")
        faults += [_in_settings(fault, discard.where) for fault in changed]
        try:
            condition = _condition(discard.where)
            compiler = SelectCompiler(shapes, places)
            texts.setdefault(discard.entity, []).append(
                compiler.condition(condition, discard.entity, discard.alias).sql("duckdb")
            )
        except SqlglotError as e:
            faults.append(_in_settings(_parse_fault(e, MappingText(discard.where), "crossfade.toml"), discard.where))
        except Wrong as wrong:
            faults.append(_in_settings(_fault(wrong, MappingText(discard.where), "crossfade.toml"), discard.where))
    return {entity: " UNION ".join(parts) for entity, parts in texts.items()}


def _condition(where: str) -> exp.Expr:
    """Return the condition in a `where`. Raises Wrong if it is not a single condition."""
    statements = [s for s in sqlglot.parse(where, read="duckdb") if s is not None and not isinstance(s, exp.Semicolon)]
    if len(statements) != 1 or not isinstance(statements[0], exp.Condition):
        raise Wrong(exp.true(), "where must be one condition, as after WHERE")
    return statements[0]


def _in_settings(fault: Fault, where: str) -> Fault:
    """Return a fault of a discard's `where` with its text, because its position in crossfade.toml is unknown."""
    return replace(fault, line=0, column=0, statement=where)


def _discarded_paths(discards: Sequence[Discard], shape: Shape) -> Iterator[FieldRef]:
    """Yield the paths that are discarded with every type that the survey found (other types are quarantined)."""
    for discard in discards:
        if discard.entity != shape.entity or discard.path is None:
            continue
        try:
            path = parse_path(discard.path)
        except ValueError:
            continue  # coverage reports it
        node = shape.node(path)
        if node is not None and (not discard.types or node.types.keys() <= set(discard.types)):
            yield path


def _with_rest(
    columns: tuple[Column, ...], branches: Sequence[Branch], entity: str, left_behind: Iterable[FieldRef]
) -> tuple[Column, ...]:
    """Complete rest_of, which leaves out what is discarded or mapped. This is known when all mappings are compiled."""
    used = frozenset(
        u.path for b in branches for u in b.uses if u.entity == entity and u.path and b.entity == entity and carries(u)
    )
    without = frozenset(path[:1] for path in used) | frozenset(left_behind)
    return tuple(replace(c, without=without) if c.form == "rest" else c for c in columns)


def _parse_fault(error: SqlglotError, source: MappingText, file: str) -> Fault:
    """Return the fault where the parser stopped, or, for text that cannot be tokenized, where an open quote begins."""
    details = getattr(error, "errors", None)
    if not details:
        line, column = source.unclosed()
        return Fault(file, line, column, "does not parse: a quote, a comment or a $$ is not closed")
    first = details[0]
    near = first.get("highlight") or ""
    reason = f"does not parse: {_said(str(first.get('description')))}" + (f" (at {near!r})" if near else "")
    column = (first.get("col") or 0) - max(len(near) - 1, 0)
    return Fault(file, first.get("line") or 1, max(column, 0), reason, hint=of_syntax(source.text))


def _said(description: str) -> str:
    """Return sqlglot's message without the names of its classes.

    >>> _said("Required keyword: 'this' missing for <class 'sqlglot.expressions.core.Where'>")
    'an expression is missing next to WHERE'
    """
    lacking = re.match(r"Required keyword: '\w+' missing for <class '[\w.]*?(\w+)'>", description)
    if lacking is None:
        return re.sub(r"<class '[\w.]*?(\w+)'>", lambda m: _CAMEL.sub(" ", m[1]).upper(), description)
    return f"an expression is missing next to {_CAMEL.sub(' ', lacking[1]).upper()}"


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _not_as_written(source: MappingText, file: str) -> list[Fault]:
    """Return a fault for each INTERVAL and each call that would not be compiled as it is written."""
    intervals = [
        Fault(
            file,
            *source.line_and_column(at),
            f"INTERVAL '{text}' is not a number and one unit: the rest would be lost",
            hint=f"CAST('{text}' AS INTERVAL), or a sum: INTERVAL '3 days' + INTERVAL '2 hours'",
        )
        for at, text in source.shortened_intervals()
    ]
    calls = [
        Fault(
            file,
            *source.line_and_column(call.start),
            f"{call.text} would be compiled as {call.made}: the argument {call.argument} is lost or moved",
            hint="a call with the arguments that DuckDB's documentation has for this function",
        )
        for call in changed_calls(source.text, source.tokens)
    ]
    return [*intervals, *calls]


def _fault(wrong: Wrong, source: MappingText, file: str, after: int = 0) -> Fault:
    line, column = source.place_of(wrong.node, wrong.keyword, after)
    return Fault(file, line, column, wrong.reason, hint=wrong.hint)


__all__ = ["Compiled", "compile_all", "compile_program", "digest_of", "read_mappings"]
