"""How a process ends that was told to by a signal: as if it had not been caught, for whoever waits for it."""

import signal


def end_as_told(told: signal.Signals | None) -> None:
    """End by SIGTERM where that was what came, for the first process of a container too, which it does not end."""
    if told == signal.SIGTERM:
        signal.signal(told, signal.SIG_DFL)
        signal.raise_signal(told)
