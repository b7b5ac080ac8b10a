"""A source file -> the small wrong changes that can be made to it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "+", ast.Pow: "*",
    ast.LShift: ">>", ast.RShift: "<<", ast.BitAnd: "|", ast.BitOr: "&", ast.BitXor: "&",
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil", "sum": "len"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one piece of it, from byte `start` to before `end`, replaced.

    `function` is the outermost function that the piece is in, by its qualified name; empty where it is in none.
    """

    path: Path
    function: str
    line: int
    start: int
    end: int
    instead: str
    was: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {' '.join(self.was.split())} -> {self.instead}"

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.instead.encode() + source[self.end :]


class Finder(ast.NodeVisitor):
    """Collects the mutants of one file; of annotations, only what is called in them (a field's bounds)."""

    def __init__(self, path: Path, source: bytes) -> None:
        self.path, self.source, self.found = path, source, list[Mutant]()
        self.classes: list[str] = []
        self.function = ""
        lengths = [len(line) for line in source.splitlines(keepends=True)]
        self.starts = [sum(lengths[:number]) for number in range(len(lengths))]
        self.visit(ast.parse(source))

    def _add(self, start: int, end: int, line: int, instead: str) -> None:
        self.found.append(Mutant(self.path, self.function, line, start, end, instead, self.source[start:end].decode()))

    def _place(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _replace(self, node: ast.expr | ast.stmt, instead: str) -> None:
        self._add(*self._place(node), node.lineno, instead)

    def _between(self, left: ast.expr, right: ast.expr, instead: str) -> None:
        """Replace the operator between two operands, brackets around them left alone."""
        start, end = self._place(left)[1], self._place(right)[0]
        gap = self.source[start:end].decode()
        word = gap.strip(" ()\n\\\t")
        if word and "#" not in gap:
            at = start + gap.index(word)
            self._add(at, at + len(word), left.lineno, instead)

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, node.comparators, strict=False):
            self._between(left, right, COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in OPERATORS:
            self._between(node.left, node.right, OPERATORS[type(node.op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, "or" if isinstance(node.op, ast.And) else "and")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start, end = self._place(node.operand)
        self._replace(node, self.source[start:end].decode())
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace(node, str(not value))
        elif isinstance(value, int):
            self._replace(node, str(value + 1))
        elif isinstance(value, float):
            self._replace(node, repr(value * 2 if value else 1.0))

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in NAMES and isinstance(node.ctx, ast.Load):
            self._replace(node, NAMES[node.id])

    def visit_If(self, node: ast.If) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def _negate(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare | ast.UnaryOp):  # which have mutants of their own
            self._replace(test, f"(not ({self.source[slice(*self._place(test))].decode()}))")

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._replace(node, "pass")
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break")

    def visit_arg(self, node: ast.arg) -> None:
        """Leave out the annotation."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._fields(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.classes.append(node.name)
        for each in node.body:
            self.visit(each)
        self.classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        outermost = not self.function
        if outermost:
            self.function = ".".join([*self.classes, node.name])
        for each in node.body:
            self.visit(each)
        if outermost:
            self.function = ""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def _fields(self, annotation: ast.expr) -> None:
        for each in ast.walk(annotation):
            if isinstance(each, ast.Call):
                self.visit(each)


def mutants_of(path: Path, root: Path) -> Iterator[Mutant]:
    """Return the mutants of a file, in the order of its lines; `path` is below `root`."""
    found = Finder(path.relative_to(root), path.read_bytes()).found
    yield from sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.instead))
