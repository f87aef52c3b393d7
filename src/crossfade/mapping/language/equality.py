"""The name by which two values of a lookup are compared: equal for what the source calls equal, and for nothing else.

Most are the names inside derived ids. Those of numbers are not always: an id of 0.5 is another than that of the decimal
0.5, and one of a 32-bit float is made of its shortest digits.
"""

from __future__ import annotations

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef
from crossfade.mapping.language.functions import identity_name, type_name
from crossfade.mapping.language.rewriting import Rewriting
from crossfade.mapping.language.scope import Scope, Typed


def equality_name(rewriter: Rewriting, node: exp.Expr, scope: Scope, *, beside_several: bool) -> exp.Expr:
    """Return SQL for the name by which a value of any kind is compared. Beside a value of several types a decimal may
    be equal to a double: that costs several times as much.
    """
    found = rewriter.rewrite(node, scope)
    typed = found if isinstance(found, Typed) else rewriter.native(node, found)
    if isinstance(found, FieldRef) and typed.kind == "mixed":
        return exp.func("cf_equal_mixed", type_name(found), typed.sql)
    if typed.kind == "decimal" and beside_several:
        return exp.func("cf_equal_decimal", typed.sql)
    if typed.kind == "float":
        return exp.func("cf_name_double", exp.cast(typed.sql, "double"))
    return identity_name(rewriter, node, scope)


__all__ = ["equality_name"]
