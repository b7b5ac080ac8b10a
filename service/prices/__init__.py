"""What every kind of work takes of a processor, in seconds, known before it begins.

What a machine takes more or less than these (processor.py) is measured where the work is done.
"""

from service.prices.drawing import before, comparing, drawing
from service.prices.reading import describing, planning, reading
from service.prices.studying import diagnosing, most_of_a_pass, multiplications, remedying, training

__all__ = [
    "before",
    "comparing",
    "describing",
    "diagnosing",
    "drawing",
    "most_of_a_pass",
    "multiplications",
    "planning",
    "reading",
    "remedying",
    "training",
]
