"""What every kind of work takes of a processor, in seconds, known before it begins.

Seconds of one core of a server of this decade. What a machine takes beside that is measured where the work is done.
"""

from service.prices.drawing import comparing, drawing
from service.prices.reading import reading
from service.prices.studying import diagnosing, training

__all__ = ["comparing", "diagnosing", "drawing", "reading", "training"]
