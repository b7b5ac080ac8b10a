"""--print-job: the Kubernetes Indexed Job that writes a checkpoint, and the ConfigMap that holds its spec."""

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service import __version__
from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.materialize.job import Job
from service.materialize.places import path_of
from service.materialize.places.opening import checked

Manifest = dict[str, Any]

IMAGE = f"initserve:{__version__}"
# What the pods are called. Not as the service's: its network policy, which lets nobody out, selects those.
APPLICATION = "initserve-materialize"
# A Secret whose entries are the pods' environment, where there is one: AWS_ACCESS_KEY_ID and the like.
SECRET = "initserve-store"
LONGEST_NAME = 52  # characters: a pod's has the index behind it, and a host's name has 63
MOST_PODS = 10**5  # of a Job whose indexes are each tried again
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# A ConfigMap holds a MiB in all, names included; a text beyond the first is compressed in it.
PLAIN, LARGEST_SPEC = 2**17, 2**20 - 2**12
TRIES = 3  # of an index, after the first
KEPT = 24 * 3600  # seconds that a Job is there once it is finished, and with it what its pods said
WRONG_USE = 2  # the exit status that trying again does not mend
USER = 10001  # the image's
SPEC_FOLDER = "/spec"
SECRETS = re.compile(r"key|secret|token|password|sas|credential", re.IGNORECASE)  # in names of a store's options
UNIT = 2**28  # bytes that memory is asked for in


@dataclass(frozen=True)
class Pods:
    """What a Job is to be, beside the checkpoint: `workers` pods of `memory` bytes at the most.

    `claim` is the PersistentVolumeClaim that stands at the place, where this is a directory.
    """

    workers: int
    memory: int
    name: str | None = None
    image: str = IMAGE
    namespace: str | None = None
    claim: str | None = None
    seconds: float | None = None


def manifest_of(job: Job, pods: Pods) -> Manifest:
    """Return a List of the ConfigMap and the Job; raises InitserveError for what Kubernetes would not take."""
    name = pods.name or name_of(job)
    for called, what in ((name, "Job"), (pods.namespace, "namespace"), (pods.claim, "claim")):
        if called is not None and not (NAME.fullmatch(called) and len(called) <= LONGEST_NAME):
            raise InvalidSpec(f"{called!r}: a {what}'s name is up to {LONGEST_NAME} of a to z, 0 to 9 and -")
    if pods.workers > MOST_PODS:
        raise TooLarge(f"{pods.workers:,} workers: a Job has at most {MOST_PODS:,}")
    refuse_place(job.place, pods.claim)
    metadata = {"name": name, "labels": {**labels(), "app.kubernetes.io/version": __version__}}
    if pods.namespace is not None:
        metadata["namespace"] = pods.namespace
    items = [config_map(job, metadata), indexed_job(job, pods, metadata)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def name_of(job: Job) -> str:
    """Return a name of its own for each spec in each place, so that another Job never changes one that runs."""
    text = "\n".join((job.spec, str(job.shard_bytes), job.place))
    return f"initserve-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def refuse_place(place: str, claim: str | None) -> None:
    """Refuse a directory that the pods would not share, a volume for what is none, and what is no address."""
    folder = folder_of(place)
    if folder is None:
        checked(place)
        if claim is not None:
            raise UnsupportedCombination(f"{place} is a store: --claim is for a directory")
    elif claim is None:
        raise UnsupportedCombination(
            f"{place}: the pods of a Job share no directory: name a store (s3://…, gs://…, az://…), or say "
            "--claim NAME, of a PersistentVolumeClaim that all of them may write"
        )
    elif not folder.startswith("/"):
        raise UnsupportedCombination(f"{place}: in the pods a volume's path begins with /")


def folder_of(place: str) -> str | None:
    """Return the directory that a place is; None for a store."""
    if place.startswith("file:"):
        return path_of(place)
    return None if "://" in place else place


def labels() -> dict[str, str]:
    return {"app.kubernetes.io/name": APPLICATION}


def file_of(spec: str) -> str:
    """Return what the spec's file is called: one that is compressed says so by its name."""
    return "spec.json" if len(spec.encode()) <= PLAIN else "spec.json.gz"


def config_map(job: Job, metadata: Mapping[str, Any]) -> Manifest:
    file, content = file_of(job.spec), job.spec.encode()
    held: Manifest = {"data": {file: job.spec}}
    if file.endswith(".gz"):
        packed = gzip.compress(content, mtime=0)
        if len(packed) > LARGEST_SPEC:
            raise TooLarge(
                f"the spec is {len(content):,} bytes, {len(packed):,} compressed, and a ConfigMap holds "
                f"{LARGEST_SPEC:,}: put it into a volume or an image of your own, and name it there instead"
            )
        held = {"binaryData": {file: base64.b64encode(packed).decode()}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": dict(metadata), "immutable": True, **held}


def indexed_job(job: Job, pods: Pods, metadata: Mapping[str, Any]) -> Manifest:
    """Return the Job: an index a pod, each tried again by itself; wrong use ends all, and to lose a node is no try."""
    policy = [
        {"action": "FailJob", "onExitCodes": {"containerName": "materialize", "operator": "In", "values": [WRONG_USE]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    spec: Manifest = {
        "completionMode": "Indexed",
        "completions": pods.workers,
        "parallelism": pods.workers,
        "backoffLimitPerIndex": TRIES,
        "maxFailedIndexes": max(1, pods.workers // 10),
        "podFailurePolicy": {"rules": policy},
        "ttlSecondsAfterFinished": KEPT,
        "template": {"metadata": {"labels": labels()}, "spec": pod(job, pods, metadata["name"])},
    }
    if pods.seconds is not None:
        spec["activeDeadlineSeconds"] = max(1, round(pods.seconds))
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": dict(metadata), "spec": spec}


def pod(job: Job, pods: Pods, config: str) -> Manifest:
    security: Manifest = {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    volumes: list[Manifest] = [{"name": "spec", "configMap": {"name": config}}]
    if pods.claim is not None:
        volumes.append({"name": "place", "persistentVolumeClaim": {"claimName": pods.claim}})
        security["fsGroup"] = USER
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels()},
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": security,
        "topologySpreadConstraints": [spread],
        "containers": [container(job, pods)],
        "volumes": volumes,
    }


def container(job: Job, pods: Pods) -> Manifest:
    # A limit of processors too: it is how many threads draw, which a node would have more of than a pod.
    resources = {"cpu": "1", "memory": f"{-(-pods.memory // UNIT) * UNIT // 2**20}Mi"}
    mounts: list[Manifest] = [{"name": "spec", "mountPath": SPEC_FOLDER, "readOnly": True}]
    if pods.claim is not None:
        mounts.append({"name": "place", "mountPath": folder_of(job.place)})
    return {
        "name": "materialize",
        "image": pods.image,
        "args": arguments(job, pods),
        "envFrom": [{"secretRef": {"name": SECRET, "optional": True}}],
        "resources": {"requests": resources, "limits": resources},
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def arguments(job: Job, pods: Pods) -> list[str]:
    """Return the command of each pod, whose index stands in JOB_COMPLETION_INDEX; no option is one that is secret."""
    found = ["materialize", f"{SPEC_FOLDER}/{file_of(job.spec)}", job.place]
    found += [f"--shard-bytes={job.shard_bytes}", f"--of={pods.workers}", "--workers=1"]
    if pods.seconds is not None:
        found.append(f"--deadline={pods.seconds:g}")
    for key, value in job.options.items():
        if SECRETS.search(key):
            raise UnsupportedCombination(
                f"--option {key}: what is secret goes into the Secret {SECRET}, not into a Job"
            )
        found.append(f"--option={key}={value}")
    return [each.replace("$(", "$$(") for each in found]  # which Kubernetes would put a variable for
