"""The Job that --print-job writes: it holds against Kubernetes' schemas, and does what the command does."""

import base64
import gzip
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service import __version__
from service.errors import InitserveError
from service.materialize.job import Job
from service.materialize.manifest import APPLICATION, LARGEST_SPEC, SECRET, Pods, manifest_of
from service.materialize.places.place import PlaceError

DEPLOYED = Path(__file__).parents[2] / "deploy/kubernetes"
# The oldest in which an index is tried again by itself, and the newest that there are schemas of.
VERSIONS = ("1.29", "1.33", kubernetes_validate.latest_version())
JOB = Job('{"seed":"1"}', 5 * 10**9, "s3://bucket/gpt2")
PODS = Pods(workers=6, memory=2**30)
VOLUME = replace(JOB, place="file:///checkpoints/gpt2"), replace(PODS, claim="checkpoints")
KINDS = {
    "bucket": (JOB, PODS),
    "volume": VOLUME,
    "long spec": (replace(JOB, spec=json.dumps({"tensors": {f"w{i}": [i] for i in range(1, 20_000)}})), PODS),
    "all said": (JOB, Pods(3, 2**31, "mine", "registry.example/initserve@sha256:" + "0" * 64, "training", None, 90.5)),
}


def parts(job: Job = JOB, pods: Pods = PODS) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ConfigMap and the Job."""
    manifest = manifest_of(job, pods)
    assert (manifest["apiVersion"], manifest["kind"]) == ("v1", "List")
    config, indexed = manifest["items"]
    return config, indexed


def container(indexed: dict[str, Any]) -> dict[str, Any]:
    (found,) = indexed["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_holds_against_the_schema(kind: str, version: str) -> None:
    for part in parts(*KINDS[kind]):
        kubernetes_validate.validate(part, version, strict=True)


def test_the_schema_notices_what_is_misspelt() -> None:
    _, indexed = parts()
    indexed["spec"]["backoffLimitPerIndx"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(indexed, VERSIONS[-1], strict=True)


def test_every_index_is_a_pod_that_is_tried_again_by_itself() -> None:
    spec = parts()[1]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 6, 6)
    assert spec["backoffLimitPerIndex"] == 3
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["ttlSecondsAfterFinished"] > 0
    (wrong, lost) = spec["podFailurePolicy"]["rules"]
    assert (wrong["action"], wrong["onExitCodes"]["values"], wrong["onExitCodes"]["operator"]) == ("FailJob", [2], "In")
    assert wrong["onExitCodes"]["containerName"] == container(parts()[1])["name"]
    assert (lost["action"], lost["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")


def test_a_pod_has_no_privilege_as_the_services_has_none() -> None:
    (deployment,) = yaml.safe_load_all((DEPLOYED / "deployment.yaml").read_text())
    served = deployment["spec"]["template"]["spec"]
    pod = parts()[1]["spec"]["template"]["spec"]
    for member in ("automountServiceAccountToken", "enableServiceLinks", "securityContext"):
        assert pod[member] == served[member], member
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    assert container(parts()[1])["securityContext"] == served["containers"][0]["securityContext"]
    volume = parts(*VOLUME)[1]["spec"]["template"]["spec"]
    assert volume["securityContext"] == {**served["securityContext"], "fsGroup": 10001}


def test_the_services_network_policy_does_not_select_it() -> None:
    (policy,) = yaml.safe_load_all((DEPLOYED / "network.yaml").read_text())
    selected = policy["spec"]["podSelector"]["matchLabels"].items()
    labels = parts()[1]["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == APPLICATION
    assert not selected <= labels.items()
    (service,) = yaml.safe_load_all((DEPLOYED / "service.yaml").read_text())
    assert not service["spec"]["selector"].items() <= labels.items()
    (spread,) = parts()[1]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


def test_it_runs_the_image_of_this_version_unless_another_is_named() -> None:
    kustomization = yaml.safe_load((DEPLOYED / "kustomization.yaml").read_text())
    (image,) = kustomization["images"]
    assert container(parts()[1])["image"] == f"{image['name']}:{image['newTag']}" == f"initserve:{__version__}"
    assert container(parts(*KINDS["all said"])[1])["image"].startswith("registry.example/")


def test_memory_is_bounded_and_one_processor_asked_for() -> None:
    assert container(parts()[1])["resources"] == {
        "requests": {"cpu": "1", "memory": "1024Mi"},
        "limits": {"cpu": "1", "memory": "1024Mi"},
    }
    more = container(parts(JOB, replace(PODS, memory=2**30 + 1))[1])["resources"]
    assert more["limits"]["memory"] == "1280Mi"


@pytest.mark.parametrize("kind", KINDS)
def test_the_pods_find_the_spec_where_their_command_says(kind: str) -> None:
    job, pods = KINDS[kind]
    config, indexed = parts(job, pods)
    assert config["immutable"] is True
    volumes = {volume["name"]: volume for volume in indexed["spec"]["template"]["spec"]["volumes"]}
    mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container(indexed)["volumeMounts"]}
    assert mounted["/spec"]["configMap"]["name"] == config["metadata"]["name"]
    command, file, place, *_ = container(indexed)["args"]
    assert (command, place) == ("materialize", job.place)
    held = config["data"] if "data" in config else config["binaryData"]
    content = held[file.removeprefix("/spec/")]
    if file.endswith(".gz"):
        content = gzip.decompress(base64.b64decode(content)).decode()
    assert content == job.spec
    if pods.claim is not None:
        assert mounted["/checkpoints/gpt2"]["persistentVolumeClaim"]["claimName"] == pods.claim


def test_what_is_said_on_the_command_line_is_said_to_the_pods() -> None:
    _, indexed = parts(replace(JOB, options={"region": "eu-west-1"}), replace(PODS, seconds=90.5))
    assert container(indexed)["args"][3:] == [
        "--shard-bytes=5000000000",
        "--of=6",
        "--workers=1",
        "--deadline=90.5",
        "--option=region=eu-west-1",
    ]
    assert indexed["spec"]["activeDeadlineSeconds"] == 90


def test_kubernetes_puts_no_variable_into_the_command() -> None:
    _, indexed = parts(replace(JOB, place="s3://bucket/$(HOME)"))
    assert container(indexed)["args"][2] == "s3://bucket/$$(HOME)"


def test_credentials_come_of_a_secret_that_need_not_be_there() -> None:
    assert container(parts()[1])["envFrom"] == [{"secretRef": {"name": SECRET, "optional": True}}]


@pytest.mark.parametrize("key", ["secret_access_key", "AWS_SESSION_TOKEN", "account_key", "sas_token", "password"])
def test_a_secret_option_is_refused(key: str) -> None:
    with pytest.raises(InitserveError, match=SECRET) as refused:
        parts(replace(JOB, options={key: "hidden"}))
    assert "hidden" not in str(refused.value)


def test_namespace_and_names_are_those_that_are_said() -> None:
    for part in parts(*KINDS["all said"]):
        assert (part["metadata"]["name"], part["metadata"]["namespace"]) == ("mine", "training")
    for part in parts():
        assert "namespace" not in part["metadata"]


def test_another_spec_or_place_is_another_job_and_the_same_one_the_same() -> None:
    jobs = [JOB, replace(JOB, spec="{}"), replace(JOB, place="s3://bucket/b"), replace(JOB, shard_bytes=10**9)]
    names = [parts(job)[1]["metadata"]["name"] for job in jobs]
    assert len(set(names)) == len(jobs)
    assert manifest_of(JOB, PODS) == manifest_of(JOB, PODS)
    assert len(f"{names[0]}-99999") <= 63  # a pod's host name


@pytest.mark.parametrize(
    ("job", "pods", "why"),
    [
        (replace(JOB, place="/checkpoints"), PODS, "--claim"),
        (replace(JOB, place="file:///checkpoints"), PODS, "--claim"),
        (replace(JOB, place="checkpoints"), replace(PODS, claim="c"), "begins with /"),
        (JOB, replace(PODS, claim="c"), "is a store"),
        (replace(JOB, place="s4://bucket"), PODS, "s4:// is not a place"),
        (replace(JOB, place="file://elsewhere/c"), replace(PODS, claim="c"), "file:///"),
        (JOB, replace(PODS, name="Mine"), "a to z"),
        (JOB, replace(PODS, name="n" * 53), "52"),
        (JOB, replace(PODS, namespace="a_b"), "namespace"),
        (JOB, replace(PODS, workers=10**5 + 1), "100,000"),
    ],
)
def test_what_kubernetes_would_not_take_is_refused(job: Job, pods: Pods, why: str) -> None:
    with pytest.raises((InitserveError, PlaceError), match=why):
        manifest_of(job, pods)


def test_a_spec_beyond_a_config_map_is_refused_with_a_way_out() -> None:
    text = random.Random(1).randbytes(LARGEST_SPEC + 2**16).hex()  # which compresses to a half
    with pytest.raises(InitserveError, match="put it into a volume"):
        manifest_of(replace(JOB, spec=text), PODS)
