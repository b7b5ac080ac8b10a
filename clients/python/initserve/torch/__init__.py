"""PyTorch: `init_(model)` fills any module by what its submodules are, `fill_(model, spec)` what a spec describes."""

from initserve.arrays import Fillable
from initserve.report import Filled, Report
from initserve.torch.described import fill_
from initserve.torch.filling import init_

__all__ = ["Fillable", "Filled", "Report", "fill_", "init_"]
