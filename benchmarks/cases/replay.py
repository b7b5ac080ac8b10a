"""A framework's own stream: ours over HTTP to curl, bit for bit what theirs makes in its own process."""

from typing import NamedTuple

from benchmarks.curl import npy
from benchmarks.measuring import Comparison, Section, Target, alternate, seeds
from benchmarks.peers import SHAPE
from benchmarks.servers import initserve
from benchmarks.workers import Missing, framework


class Peer(NamedTuple):
    scheme: str  # ours
    initialiser: str  # theirs
    at_most: float | None = None


KERAS = (
    Peer("random_normal", "RandomNormal", 0.5),
    Peer("glorot_uniform", "GlorotUniform", 0.5),
    Peer("truncated_normal", "TruncatedNormal", 0.5),
    Peer("he_normal", "HeNormal", 0.5),
)
PEERS: dict[tuple[str, str, str], tuple[Peer, ...]] = {
    ("torch-cpu/1", "torch", ""): (
        Peer("torch:normal", "normal_", 1.5),
        Peer("torch:uniform", "uniform_", 1.5),
        Peer("torch:trunc_normal", "trunc_normal_", 0.5),
        Peer("torch:kaiming_normal", "kaiming_normal_", 1.5),
        Peer("torch:kaiming_uniform", "kaiming_uniform_", 1.5),
    ),
    ("jax-threefry/1", "jax", ""): (
        Peer("jax:normal", "normal", 0.5),
        Peer("glorot_uniform", "glorot_uniform", 0.5),
        Peer("jax:truncated_normal", "truncated_normal", 0.5),
        Peer("he_normal", "he_normal", 0.5),
    ),
    **{(f"keras-{name}/1", "keras", name): KERAS for name in ("numpy", "torch", "jax", "tensorflow")},
    ("numpy-pcg64/1", "numpy", ""): (Peer("random_normal", "normal"), Peer("random_uniform", "uniform")),
}


def measure(rounds: int) -> Section:
    section = Section("A framework's own bits, 4096×4096 float32: ours over HTTP to curl, theirs in their own process")
    new = seeds()
    with initserve() as server:
        for (algorithm, name, backend), peers in PEERS.items():
            try:
                with framework(name, backend) as worker:
                    for peer in peers:
                        ours = npy(server.url, peer.scheme, list(SHAPE), new, algorithm)
                        measured = alternate(ours, worker.side(peer.initialiser), rounds)
                        target = None if peer.at_most is None else Target(peer.at_most)
                        label = f"{name} on {backend}" if backend else name
                        found = Comparison(
                            f"{algorithm} {peer.scheme}", f"{label} {peer.initialiser}", measured, target
                        )
                        section.comparisons.append(found)
            except Missing as error:
                section.left_out.append(f"{algorithm}: {error}")
    return section
