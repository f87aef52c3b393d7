"""SQL for the refusals by functions of DuckDB, which raise errors: whether there is one, and what to run for its
message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from crossfade.transform.macros import FIRST, GIVEN, MARK
from crossfade.transform.nodes import (
    is_constant,
    is_strptime,
    is_there,
    may_fail_as_cast,
    on_each,
    parts_of,
    reads_json,
    struct_of,
    with_values,
)

Value = Callable[[exp.Expr], exp.Expr]
"""Returns an expression with NULL where it would refuse."""

_JSON = exp.DataType.build("JSON", dialect="duckdb")


def of_engine(node: exp.Expr, value: Value) -> exp.Expr | None:
    """Return the reason of a refusal by DuckDB, if another function returns NULL instead: a cast, invalid JSON, a date
    in another format. The message is queried later, by value.
    """
    if may_fail_as_cast(node):
        to = node.to
        cast = f"CAST({FIRST} AS {to.sql('duckdb')})"
        return _refused(value(node.this), cast, lambda given: exp.TryCast(this=given, to=to.copy()))
    if reads_json(node):
        return _refused(
            value(parts_of(node)[0]), f"CAST({FIRST} AS JSON)", lambda given: exp.TryCast(this=given, to=_JSON.copy())
        )
    if is_strptime(node):
        text, form = parts_of(node)
        written = f"strptime({FIRST}, {form.sql('duckdb')})"
        return _refused(
            value(text), written, lambda given: exp.Anonymous(this="try_strptime", expressions=[given, form.copy()])
        )
    return None


def with_valid_json(call: exp.Expr) -> exp.Expr:
    """Return the call of a function that reads JSON, for NULL instead of text that is not JSON."""
    text = parts_of(call)[0]
    text.replace(exp.TryCast(this=text.copy(), to=_JSON.copy()))
    return call


def _refused(given: exp.Expr, written: str, attempt: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    def body(each: Sequence[exp.Expr]) -> exp.Expr:
        (given,) = each
        lost = exp.And(this=is_there(given), expression=exp.Is(this=attempt(given.copy()), expression=exp.null()))
        return exp.Case().when(lost, _to_be_run(written, [given]))

    return with_values([given], body)


def of_call(call: exp.Expr, value: Value) -> exp.Expr | None:
    """Return the reason of a call of any function of DuckDB. In a struct, a refusal differs from a result of NULL."""
    given = _given(call)
    if not given:
        return None
    written = _called_with(call, [exp.paren(exp.Var(this=GIVEN.format(number))) for number, _ in enumerate(given, 1)])

    def body(each: Sequence[exp.Expr]) -> exp.Expr:
        lost = exp.Is(this=_try(struct_of(v=_called_with(call, each))), expression=exp.null())
        return exp.Case().when(lost, _to_be_run(written.sql("duckdb"), each))

    return with_values([value(one) for one in given], body)


def value_of_call(call: exp.Expr, value: Value) -> exp.Expr:
    """Return the result of a call of any function of DuckDB, or NULL where it refuses.

    Only the call itself is evaluated with TRY, which is slow for a batch with a refusal. COALESCE would not protect a
    call without TRY: DuckDB computes an expression that occurs twice before it evaluates either.
    """
    given = [value(one) for one in _given(call)]
    return with_values(given, lambda each: _try(_called_with(call, each))) if given else value(call)


def _given(call: exp.Expr) -> list[exp.Expr]:
    return [part for part in parts_of(call) if not is_constant(part)]


def _called_with(call: exp.Expr, given: Sequence[exp.Expr]) -> exp.Expr:
    rest = iter(given)

    def put(part: exp.Expr) -> exp.Expr:
        return (part if is_constant(part) else next(rest)).copy()

    return call.__class__(**{key: on_each(part, put) for key, part in call.args.items()})


def _try(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="try", expressions=[node])


def _to_be_run(written: str, given: Sequence[exp.Expr]) -> exp.Expr:
    """Return SQL for a refusal whose message DuckDB returns when `written` is run for these values."""
    values = [part for one in given for part in (exp.func("typeof", one.copy()), exp.cast(one.copy(), "text"))]
    mark = exp.func("chr", exp.Literal.number(ord(MARK)))
    said: exp.Expr = mark
    as_json = exp.cast(exp.Anonymous(this="json_array", expressions=values), "text")
    for part in (exp.Literal.string(written), mark, as_json):
        said = exp.DPipe(this=said, expression=part.copy())
    return said


__all__ = ["of_call", "of_engine", "value_of_call", "with_valid_json"]
