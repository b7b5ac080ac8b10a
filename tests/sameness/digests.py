"""python -m tests.sameness.digests: what this interpreter, on this processor, gives, as JSON; one process, no thread.

The golden cases of initserve/1 and the frameworks' streams that come out otherwise, and what it was that gave them.
"""

import json
import platform
import sys

import numba
import numpy
from numba.core import config

from service.replay import ALGORITHMS
from service.specs.self_test import agrees
from tests.golden.write import FILE, cases, digests, words


def main() -> None:
    golden = json.loads(FILE.read_text())
    specs = cases()
    wrong = [name for name, case in golden["cases"].items() if digests(specs[name]) != case["parameters"]]
    wrong += ["words"] if words() != golden["words"] else []
    wrong += [name for name in ALGORITHMS if not agrees(name)]
    by = {"python": platform.python_version(), "machine": platform.machine(), "kernels": str(config.CPU_NAME)}
    versions = {"numpy": numpy.__version__, "numba": numba.__version__}
    json.dump({"compared": len(golden["cases"]) + len(ALGORITHMS) + 1, "wrong": wrong, **by, **versions}, sys.stdout)


if __name__ == "__main__":
    main()
