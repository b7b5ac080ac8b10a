"""Reverse-mode differentiation over NumPy arrays: what a network computed, and the gradient of it, back to the start.

A Node is a value and how it came about; the operations here make one of others, in float64 or in float32 as their
operands are, and `backward` goes back through them. docs/tape.md says why it is our own.
"""

from service.analysis.tape.arranging import join, look_up, pad, reshape, select, split, stack, transpose
from service.analysis.tape.attention import attend, logits_of, relative_positions, rotate, seen_by
from service.analysis.tape.convolution import convolve, convolve_back
from service.analysis.tape.elementwise import add, add_to, apply, apply_softmax, mapped, multiply, scaled
from service.analysis.tape.node import Array, Node, backward, constant
from service.analysis.tape.norms import EPSILON, standardise
from service.analysis.tape.pools import average_pool, max_pool, mean
from service.analysis.tape.products import contract, product, times
from service.analysis.tape.resampling import interpolate, repeat
from service.analysis.tape.windows import Windows

__all__ = [
    "EPSILON",
    "Array",
    "Node",
    "Windows",
    "add",
    "add_to",
    "apply",
    "apply_softmax",
    "attend",
    "average_pool",
    "backward",
    "constant",
    "contract",
    "convolve",
    "convolve_back",
    "interpolate",
    "join",
    "logits_of",
    "look_up",
    "mapped",
    "max_pool",
    "mean",
    "multiply",
    "pad",
    "product",
    "relative_positions",
    "repeat",
    "reshape",
    "rotate",
    "scaled",
    "seen_by",
    "select",
    "split",
    "stack",
    "standardise",
    "times",
    "transpose",
]
