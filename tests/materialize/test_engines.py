"""What a command says where a cluster's package is missing, and what work says where initserve is another."""

import json
import sys
from pathlib import Path

import pytest

from service import __version__
from service.cli import main
from service.materialize.engines.engine import EngineError, Outcome, Told
from service.materialize.engines.sent import outcome, sent


@pytest.mark.parametrize(("engine", "package", "module"), [("ray", "Ray", "ray"), ("dask", "Dask", "distributed")])
def test_a_missing_extra_is_one_line_that_says_how_to_have_it_and_nothing_is_begun(
    engine: str,
    package: str,
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"service.materialize.engines.{engine}", raising=False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # so that nothing of a local one is set
    spec, place = tmp_path / "spec.json", tmp_path / "checkpoint"
    spec.write_text(json.dumps({"seed": 1, "layers": [{"type": "dense", "shape": [3, 2]}]}))
    with pytest.raises(SystemExit) as ended:
        main(["materialize", str(spec), str(place), "--engine", engine])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == f"initserve: --engine {engine} needs {package}: pip install initserve[{engine}]\n"
    assert not place.exists()


def half(number: int, told: Told) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def answered(number: int, version: str = __version__) -> Outcome[int]:
    text, carry = sent(half, version)
    return outcome(number, carry(text, number, lambda more: None))


def test_what_is_sent_does_the_work_and_tells_what_went_wrong() -> None:
    assert answered(8) == (8, 4, None)
    assert answered(7) == (7, None, "7 is odd")


def test_a_worker_with_another_initserve_does_nothing() -> None:
    with pytest.raises(EngineError, match=f"has initserve {__version__}, and this is 0.0.7: install the same"):
        answered(8, version="0.0.7")
