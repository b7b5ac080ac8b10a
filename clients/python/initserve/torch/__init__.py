"""PyTorch: `init_(model)` fills any module in place, by what its submodules are."""

from initserve.torch.filling import Fillable, init_
from initserve.torch.report import Filled, Report

__all__ = ["Fillable", "Filled", "Report", "init_"]
