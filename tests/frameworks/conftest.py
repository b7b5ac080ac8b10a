"""Comparisons with the real frameworks; `make test-frameworks` runs them in an environment of their own."""

import importlib.util
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

MISSING = [name for name in ("torch", "keras", "jax", "flax") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py", "replay/test_*.py"] if MISSING else []
