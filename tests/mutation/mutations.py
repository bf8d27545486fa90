"""Small mistakes that somebody could make in a file, each as the whole text of the file with that mistake. Pure."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_TWINS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_NO_BEHAVIOUR: Final = ("annotation", "returns", "decorator_list")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One line of a file, as `ast.unparse` writes it, that became another; `text` is the whole file with it."""

    file: str
    function: str
    line: int
    was: str
    became: str
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by, wherever in the file its line stands."""
        return self.file, self.function, self.was, self.became


def unparsed(source: str) -> str:
    """The text of a file without a mutation, in the lines in which the mutations come. Raises SyntaxError."""
    return "\n".join(map(ast.unparse, ast.parse(source).body))


def mutations(file: str, source: str) -> Iterator[Mutation]:
    """Every mutation of a file, in the order of its lines, each with one mistake. Raises SyntaxError."""
    statements = ast.parse(source).body
    texts = [ast.unparse(statement) for statement in statements]
    for place, statement in enumerate(statements):
        # Only the statement at module level that has the mistake is written anew: all of a large file takes a while.
        alone = ast.Module([statement], [])
        before = texts[place].splitlines()
        for function, line, undo in _mistakes(alone, "", 0):
            changed = "\n".join(map(ast.unparse, map(ast.fix_missing_locations, alone.body)))
            undo()
            after = changed.splitlines()
            at = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
            if at is not None:
                text = "\n".join([*texts[:place], changed, *texts[place + 1 :]])
                yield Mutation(file, function, line, before[at].strip(), after[at].strip(), text)


def _mistakes(node: ast.AST, function: str, line: int) -> Iterator[tuple[str, int, Callable[[], None]]]:
    """Makes each mistake below `node` in turn; who gets it undoes it before the next."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    line = getattr(node, "lineno", line)
    for where, index, child in _places(node):
        for wrong in _wrong(child):
            where[index] = wrong
            yield function, getattr(child, "lineno", line), _put(where, index, child)
        yield from _mistakes(child, function, line)
    yield from ((function, line, undo) for undo in _left_out(node))


def _places(node: ast.AST) -> Iterator[tuple[Any, Any, ast.AST]]:
    """What hangs at a node and is behaviour: each as something that it is an item of, the index, and the child."""
    for name, value in ast.iter_fields(node):
        if name in _NO_BEHAVIOUR:
            continue
        holder, items = (value, list(enumerate(value))) if isinstance(value, list) else (vars(node), [(name, value)])
        yield from ((holder, index, item) for index, item in items if _is_behaviour(item))


def _put(where: Any, index: Any, child: ast.AST) -> Callable[[], None]:
    return lambda: where.__setitem__(index, child)


def _is_behaviour(item: object) -> bool:
    """Not what is for people, nor a figure that was chosen: another word, or one more, is no mistake in the code."""
    match item:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return False
        case ast.Expr():
            return not ast.unparse(item).startswith("log.")
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            # Ruff compares it with the names that there are (F822, F401).
            return False
        case ast.AnnAssign(annotation=ast.Name(id="Final"), value=value):
            return not isinstance(value, ast.Constant | ast.Call)
    return isinstance(item, ast.AST)


def _wrong(node: ast.AST) -> Iterator[ast.AST]:
    """What could stand in its place."""
    yield from _wrong_statement(node) if isinstance(node, ast.stmt) else _wrong_expression(node)
    test = getattr(node, "test", None)
    if test is not None and not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield _with(node, test=ast.UnaryOp(ast.Not(), test))


def _wrong_expression(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
            yield _with(node, ops=[_COMPARISONS[type(operator)]()])
        case ast.BoolOp(op=operator):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            yield _with(node, op=_OPERATORS[type(operator)]())
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _other_values(value))
        case ast.Name(id=name) if name in _TWINS:
            yield ast.Name(_TWINS[name], ast.Load())


def _wrong_statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple()]):
            yield ast.Pass()


def _other_values(value: object) -> list[str | int | float]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1]
    # A sentence is for people; a word alone is a name of something, and an empty text is a decision.
    if isinstance(value, str) and (value.isidentifier() or not value):
        return [f"{value}_"]
    return []


def _left_out(node: ast.AST) -> Iterator[Callable[[], None]]:
    """Leaves one argument with a name, one member of a set or one entry of a dictionary out, in turn."""
    columns: list[list[Any]] = []
    match node:
        case ast.Call(keywords=[_, *_]):
            columns = [node.keywords]
        case ast.Set(elts=[_, _, *_]):
            columns = [node.elts]
        case ast.Dict(keys=[_, *_]):
            columns = [node.keys, node.values]
    for index in range(len(columns[0]) if columns else 0):
        taken = [column.pop(index) for column in columns]

        def undo(index: int = index, taken: list[Any] = taken) -> None:
            for column, one in zip(columns, taken, strict=True):
                column.insert(index, one)

        yield undo


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    made = deepcopy(node)
    for name, value in changes.items():
        setattr(made, name, value)
    return made
