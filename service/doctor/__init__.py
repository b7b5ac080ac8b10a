"""Says what is wrong with a deployment: with its settings, where they run."""

import os
from collections.abc import Mapping

from service.cgroups import Limits
from service.doctor.clock import of_the_clock
from service.doctor.environment import of_the_environment
from service.doctor.exposure import of_exposure
from service.doctor.findings import Finding
from service.doctor.kernels import of_the_kernels
from service.doctor.limits import of_the_limits
from service.doctor.listening import of_listening
from service.doctor.store import of_the_store
from service.settings import Settings


def examine(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Return what there is to say of these settings on this machine, whatever is wrong among it."""
    return [
        *of_the_environment(environment),
        *of_the_kernels(),
        *of_the_limits(settings, Limits()),
        *of_the_clock(),
        *of_listening(settings),
        *of_exposure(settings),
        *of_the_store(settings),
    ]
