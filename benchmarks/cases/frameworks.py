"""End to end to a real client, against the frameworks in their own process."""

from dataclasses import replace
from typing import NamedTuple

from benchmarks.curl import npy
from benchmarks.measuring import Comparison, Section, Side, Target, alternate, seeds
from benchmarks.peers import SHAPE
from benchmarks.servers import initserve
from benchmarks.workers import Missing, Worker, framework

SCHEMES = ("he_normal", "random_normal", "glorot_uniform")


class Peer(NamedTuple):
    scheme: str  # ours
    initialiser: str  # theirs
    at_most: float | None = None


FRAMEWORKS: dict[tuple[str, str], tuple[Peer, ...]] = {
    ("torch", ""): (
        Peer("he_normal", "kaiming_normal_", 0.8),
        Peer("random_normal", "kaiming_normal_", 0.8),
        Peer("glorot_uniform", "kaiming_uniform_", 0.9),
        Peer("he_normal", "trunc_normal_", 0.1),
    ),
    ("jax", ""): (
        Peer("he_normal", "he_normal", 0.2),
        Peer("random_normal", "normal"),
        Peer("glorot_uniform", "glorot_uniform"),
    ),
    ("numpy", ""): (
        Peer("he_normal", "standard_normal"),
        Peer("random_normal", "standard_normal"),
        Peer("glorot_uniform", "random"),
    ),
    **{
        ("keras", backend): (
            Peer("he_normal", "HeNormal", 0.15),
            Peer("random_normal", "RandomNormal"),
            Peer("glorot_uniform", "GlorotUniform"),
        )
        for backend in ("numpy", "torch", "jax")
    },
}


def measure(rounds: int) -> Section:
    section = Section("A 4096×4096 float32 tensor: ours over HTTP to curl, theirs in their own process")
    new = seeds()
    with initserve() as server:
        ours = {scheme: npy(server.url, scheme, list(SHAPE), new) for scheme in SCHEMES}
        for (name, backend), peers in FRAMEWORKS.items():
            label = f"{name} on {backend}" if backend else name
            try:
                with framework(name, backend) as worker:
                    section.comparisons += [compare(ours[peer.scheme], worker, label, peer, rounds) for peer in peers]
            except Missing as error:
                section.left_out.append(f"{label}: {error}")
    section.comparisons = sorted(for_the_best_backend(section.comparisons), key=lambda one: SCHEMES.index(one.ours))
    return section


def compare(ours: Side, worker: Worker, label: str, peer: Peer, rounds: int) -> Comparison:
    measured = alternate(ours, worker.side(peer.initialiser), rounds)
    target = None if peer.at_most is None else Target(peer.at_most)
    return Comparison(peer.scheme, f"{label} {peer.initialiser}", measured, target)


def for_the_best_backend(comparisons: list[Comparison]) -> list[Comparison]:
    """Leave Keras's target to its fastest backend alone."""
    targeted = [one for one in comparisons if one.theirs.startswith("keras") and one.target]
    best = min(targeted, key=lambda one: one.medians[1], default=None)
    return [replace(one, target=None) if one in targeted and one is not best else one for one in comparisons]
