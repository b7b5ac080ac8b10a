"""What --dry-run and --print-job print: of a checkpoint, or of the Job that would write it."""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

from service.materialize.checkpoint import Checkpoint
from service.materialize.forecast import LINK, Cluster, told
from service.materialize.job import Job
from service.materialize.manifest import Pods, folder_of, manifest_of
from service.materialize.measuring import measured
from service.processors import processors

KIB, MIB = 2**10, 2**20
STATUS = Path("/proc/self/status")
# Of a pod: two processes, one of which draws, each with the plan, and parts of a file that are on their way.
PROCESS, EACH_ARRAY, BUFFERS = 192 * MIB, 5 * 2**10, 128 * MIB


def dry_run(chosen: argparse.Namespace, checkpoint: Checkpoint) -> int:
    """Say what a checkpoint comes to, and how long it takes on workers like this machine's processors."""
    start = time.process_time()
    found = measured(checkpoint)
    total, core = sum(shard.bytes for shard in found.shards), sum(shard.seconds for shard in found.shards)
    count, largest = len(found.shards), max(shard.bytes for shard in found.shards)
    arrays = sum(len(shard.parameters) for shard in checkpoint.shards)
    cluster = cluster_of(chosen, start)
    lines = [
        f"{count:,} shard{'s' * (count != 1)}, the largest of {largest:,} bytes; {total:,} bytes, "
        f"{checkpoint.plan.elements:,} elements in {arrays:,} arrays",
        f"begun and planned in {start:.1f} s of a processor and {peak() // MIB:,} MiB, as each worker has to",
        f"drawn and hashed at {found.rate / 1e6:,.0f} MB/s by a processor of this machine: "
        f"{core:,.{0 if core >= 10 else 1}f} core-seconds ({found.share:.0%} of the bytes are of kinds that were "
        "tried)",
    ]
    if found.before >= 1.0:
        lines.append(
            f"of which {found.before:,.0f} come before first numbers: matrices that are made as a whole, or streams "
            "that each shard must first walk along"
        )
    print("\n".join([*lines, "", *told(found.shards, chosen.workers or processors(), cluster)]))
    return 0


def cluster_of(chosen: argparse.Namespace, start: float) -> Cluster:
    """Return what is stated of workers and store, or is so of most; of a directory nothing is."""
    link, store = (None if each is None else each / 8e-9 for each in (chosen.gbits, chosen.store_gbits))
    if folder_of(chosen.place) is not None:
        return Cluster(link, store, requests=None, start=start)
    return Cluster(LINK if link is None else link, store, start=start)


def peak() -> int:
    """Return the bytes of memory that this process has had at the most.

    What the kernel tells of a process's use (getrusage) holds, on Linux, what its parent had when it was begun.
    """
    if STATUS.exists():
        return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")) * KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else KIB)


def print_job(chosen: argparse.Namespace, checkpoint: Checkpoint) -> int:
    """Print the manifest of a Job: as many pods as shards, unless it is said how many."""
    cost = checkpoint.plan.cost
    job = Job(checkpoint.plan.canonical_json(), chosen.shard_bytes, chosen.place, dict(chosen.option))
    pods = Pods(
        workers=chosen.workers or len(checkpoint.shards),
        memory=2 * (PROCESS + EACH_ARRAY * cost.arrays) + BUFFERS + cost.standing,
        name=chosen.name,
        image=chosen.image,
        namespace=chosen.namespace,
        claim=chosen.claim,
        seconds=chosen.deadline,
    )
    print(json.dumps(manifest_of(job, pods), indent=2))
    return 0
