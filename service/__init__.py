"""initserve: gives a neural network its initial weights, the same everywhere."""

__version__ = "0.1.0"
