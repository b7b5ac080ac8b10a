"""Keras 3: initialisers to give to layers, and `init_(model)`, which fills a model by what its layers are."""

from initserve.keras.filling import init_
from initserve.keras.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from initserve.report import Filled, Report

__all__ = [
    "Filled",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "Report",
    "TruncatedNormal",
    "VarianceScaling",
    "init_",
]
