"""What a diagnosis or a training takes."""

from service.analysis.diagnosis import Diagnosis
from service.analysis.sizes import IN_ALL
from service.analysis.trainable import TrainRequest, operations_of
from service.prices.processor import MULTIPLICATION


def diagnosing(diagnosis: Diagnosis) -> float:
    """Return the seconds of a diagnosis, but for remedies; raises InitserveError for what cannot be run."""
    return MULTIPLICATION * diagnosis.price


def remedying(diagnosis: Diagnosis) -> float:
    """Return the seconds that all remedies of a network that starts badly may take together."""
    return MULTIPLICATION * diagnosis.price_of_remedies


def training(request: TrainRequest) -> float:
    """Return the seconds of all runs of a training."""
    return MULTIPLICATION * operations_of(request)


def multiplications(seconds: float) -> int:
    """Return how many multiplications a training may take in so many seconds."""
    return int(seconds / MULTIPLICATION)


def most_of_a_pass(seconds: float) -> int:
    """Return how many multiplications a diagnosis's pass forward may take, which takes so many seconds in all."""
    return multiplications(seconds) // IN_ALL
