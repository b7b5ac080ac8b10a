"""Compares a file with what its spec gives: read once from first byte to last, never held as a whole."""

from service.verification.result import Result
from service.verification.verification import Verification

__all__ = ["Result", "Verification"]
