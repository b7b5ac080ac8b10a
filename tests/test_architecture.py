"""The house: what may not be loaded where. The direction of imports is checked by `make lint`."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["service.specs.spec", "service.analysis.statistics", "service.formats"])
def test_weights_are_made_without_loading_http(package: str) -> None:
    program = f"import sys, {package}; print(sorted({{'fastapi', 'starlette', 'uvicorn'}} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
