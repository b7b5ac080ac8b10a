"""The lines of docs/torch.md run as they stand, and print what the page shows."""

import re

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from tests.conftest import ROOT
from tests.frameworks.clients.test_torch import small

PAGE = (ROOT / "docs" / "torch.md").read_text()


def test_its_lines_run_and_print_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    names = {"torch": torch, "nn": nn, "AutoModelForCausalLM": AutoModelForCausalLM, "config": small("llama")}
    lines = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(lines) == 5
    exec("".join(lines), names | {"model": model})
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert capsys.readouterr().out == shown
