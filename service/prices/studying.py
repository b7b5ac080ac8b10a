"""What a diagnosis or a training takes."""

from service.analysis.diagnosis import Diagnosis
from service.analysis.trainable import TrainRequest, run_operations, schemes_of

PER_MULTIPLICATION = 6e-11  # of a product of matrices in float64


def diagnosing(diagnosis: Diagnosis) -> float:
    """Return the seconds of a diagnosis, once it is read; raises InitserveError for what cannot be run."""
    return PER_MULTIPLICATION * diagnosis.price


def training(request: TrainRequest) -> float:
    """Return the seconds of all runs of a training, once it is read."""
    runs = len(schemes_of(request)) * request.restarts
    return PER_MULTIPLICATION * runs * run_operations(request, request.steps)
