"""What `make mutate` changes: operators, constants, conditions, statements; never names, annotations or docstrings."""

import ast
from pathlib import Path

from mutations.configuration import ROOT, configuration
from mutations.mutants import mutants_of

SOURCE = '''"""A docstring that says 1 < 2."""

LIMIT: int = 10


def clamp(value: float, low: float = 0.5) -> float:
    """Not below low."""
    if value < low and value:
        raise ValueError(f"less than {low}")
    total = -value * 2
    total += max(value, low)
    print(total)
    return total
'''


def test_every_kind_of_change_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "clamp.py"
    file.write_text(SOURCE)
    made = [(mutant.line, mutant.was, mutant.instead) for mutant in mutants_of(file, tmp_path)]
    assert made == [
        (3, "10", "11"),
        (6, "0.5", "1.0"),
        (8, "value < low and value", "(not (value < low and value))"),
        (8, "<", "<="),
        (8, "and", "or"),
        (9, 'raise ValueError(f"less than {low}")', "pass"),
        (10, "-value", "value"),
        (10, "*", "/"),
        (10, "2", "3"),
        (11, "total += max(value, low)", "pass"),
        (11, "max", "min"),
        (12, "print(total)", "pass"),
    ]


def test_what_is_changed_is_still_python(tmp_path: Path) -> None:
    file = tmp_path / "clamp.py"
    file.write_text(SOURCE)
    for mutant in mutants_of(file, tmp_path):
        changed = mutant.applied(SOURCE.encode())
        assert changed != SOURCE.encode()
        ast.parse(changed)


def test_a_mutant_knows_the_outermost_function_that_it_is_in(tmp_path: Path) -> None:
    file = tmp_path / "nested.py"
    file.write_text(
        "class A:\n    x = 1\n    def f(self, y=2):\n        def g():\n            return 3\n        return g\n"
    )
    assert [(mutant.was, mutant.function) for mutant in mutants_of(file, tmp_path)] == [
        ("1", ""),
        ("2", ""),
        ("3", "A.f"),
    ]


def test_every_folder_with_mutants_has_tests_that_exist() -> None:
    config = configuration()
    assert all((ROOT / test.partition("::")[0]).exists() for tests in config.tests.values() for test in tests)
    assert all(
        any(str(path.relative_to(ROOT)).startswith(key) for path in (ROOT / "service").rglob("*.py"))
        for key in config.tests
    )
