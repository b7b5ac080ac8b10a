"""Base64 in JSON against the same weights as .npy."""

from benchmarks.curl import HEADER, download, npy, tensor
from benchmarks.measuring import Comparison, Section, Target, alternate, seeds
from benchmarks.servers import initserve

SHAPE = [4096, 4096]
ENCODED = (4 * 4096 * 4096 + HEADER + 2) // 3 * 4
DESCRIPTION = 4096  # bytes of an answer beside the weights, at most


def measure(rounds: int) -> Section:
    section = Section("Base64 in JSON against .npy, 4096×4096 float32")
    new = seeds()
    sizes = range(ENCODED, ENCODED + DESCRIPTION)
    with initserve() as server:
        measured = alternate(
            lambda: download(f"{server.url}/init", sizes, tensor("he_normal", SHAPE, next(new))),
            npy(server.url, "he_normal", SHAPE, new),
            rounds,
        )
    section.comparisons.append(Comparison("he_normal, base64 in JSON", "he_normal, .npy", measured, Target(2.0)))
    return section
