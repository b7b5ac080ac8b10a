"""Comparisons with the real frameworks; `make test-frameworks` runs them in an environment of their own."""

import importlib.util
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
# A test that forgets to name a Hub reaches none.
os.environ |= {
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}

MISSING = [name for name in ("torch", "keras", "jax", "flax") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py", "*/test_*.py"] if MISSING else []
