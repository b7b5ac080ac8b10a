"""PyTorch: `init_(model)` fills any module in place, by what its submodules are."""

from initserve.arrays import Fillable
from initserve.report import Filled, Report
from initserve.torch.filling import init_

__all__ = ["Fillable", "Filled", "Report", "init_"]
