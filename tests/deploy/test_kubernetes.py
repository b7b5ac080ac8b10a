"""deploy/kubernetes: the manifests hold against Kubernetes' own schemas, and against what the service itself says."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from service.doctor.exposure import of_exposure
from service.doctor.limits import of_memory
from service.settings import Settings, variable_of

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
# The oldest in which all that is used here is stable, and the newest that there are schemas of.
VERSIONS = ("1.27", "1.31", kubernetes_validate.latest_version())
UNITS = {"Mi": 2**20, "Gi": 2**30}


def manifests() -> list[dict[str, Any]]:
    return [found for name in KUSTOMIZATION["resources"] for found in yaml.safe_load_all((FOLDER / name).read_text())]


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = (manifest for manifest in manifests() if manifest["kind"] == kind)
    return found


POD: dict[str, Any] = of_kind("Deployment")["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
LABELS = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]


def variables() -> dict[str, str]:
    lines = (FOLDER / "settings.env").read_text().split()
    return dict(line.split("=", 1) for line in lines)


def settings() -> Settings:
    """Return the settings of a pod, as the image and the manifests have them."""
    given = {name: variables()[variable_of(name)] for name in Settings.model_fields if variable_of(name) in variables()}
    return Settings.model_validate({"host": "0.0.0.0", **given})


def test_strangers_find_no_setting_of_it_too_open() -> None:
    assert [finding for finding in of_exposure(settings()) if finding.about not in ("user",)] == []


def in_bytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", manifests(), ids=lambda manifest: manifest["kind"])
def test_a_manifest_holds_against_the_schema(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Deployment", lambda spec: spec["template"]["spec"]["containers"][0].update(readinesProbe={})),
        ("PodDisruptionBudget", lambda spec: spec.update(maxUnavailable=[1])),
        ("NetworkPolicy", lambda spec: spec.update(policyTypes="Egress")),
    ],
)
def test_the_schema_notices_what_is_misspelt_or_of_another_type(kind: str, change: Any) -> None:
    manifest = of_kind(kind)
    change(manifest["spec"])
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


def test_every_file_is_a_resource_and_every_resource_a_file() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}
    assert files == {*KUSTOMIZATION["resources"], "kustomization.yaml"}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl")
def test_kustomize_builds_what_holds_against_the_schema() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=True, timeout=60
    )
    found = list(yaml.safe_load_all(built.stdout))
    assert len(found) == len(manifests()) + 1  # and the settings
    for manifest in found:
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert re.fullmatch(r"initserve:\d+\.\d+\.\d+", container["image"])
    (config,) = (each for each in found if each["kind"] == "ConfigMap")
    assert container["envFrom"][0]["configMapRef"]["name"] == config["metadata"]["name"] != "settings"
    assert config["data"] == variables()


def test_the_images_version_is_the_services() -> None:
    from service import __version__

    (image,) = KUSTOMIZATION["images"]
    assert (image["name"], image["newTag"]) == (CONTAINER["image"], __version__)


def test_its_settings_are_settings_and_fit_into_its_memory() -> None:
    stated = {*variables(), *(each["name"] for each in CONTAINER["env"])}
    assert stated <= {variable_of(name) for name in Settings.model_fields}
    (memory,) = of_memory(settings(), in_bytes(CONTAINER["resources"]["limits"]["memory"]))
    assert memory.level == "fine", memory.text
    assert CONTAINER["resources"]["requests"]["memory"] == CONTAINER["resources"]["limits"]["memory"]


def test_a_pod_has_no_privilege_and_writes_nowhere() -> None:
    restricted = CONTAINER["securityContext"]
    assert restricted == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == 10001
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert "volumes" not in POD
    enforced = of_kind("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert (enforced, of_kind("Namespace")["metadata"]["name"]) == ("restricted", KUSTOMIZATION["namespace"])


def test_kubernetes_sets_no_setting_by_telling_of_services() -> None:
    assert POD["enableServiceLinks"] is False


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_probe_asks_what_answers(probe: str, client: httpx.Client) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert client.get(asked["path"]).status_code == 200
    assert asked["port"] in {port["name"] for port in CONTAINER["ports"]}
    # Being busy, draining or wrong is no reason to be killed.
    assert (asked["path"] == "/livez") == (probe == "livenessProbe")


def test_ports_are_those_that_are_listened_on() -> None:
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert (ports["http"], ports["operations"]) == (settings().port, settings().operations_port)
    annotations = of_kind("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert int(annotations["prometheus.io/port"]) == ports["operations"]
    strangers, monitoring = of_kind("NetworkPolicy")["spec"]["ingress"]
    assert [port["port"] for port in strangers["ports"] + monitoring["ports"]] == ["http", "operations"]
    for port in of_kind("Service")["spec"]["ports"]:
        assert port["targetPort"] in ports
    for allowed in of_kind("NetworkPolicy")["spec"]["ingress"]:
        assert {port["port"] for port in allowed["ports"]} <= ports.keys()


def test_there_is_time_to_end_before_a_pod_is_killed() -> None:
    assert POD["terminationGracePeriodSeconds"] > settings().shutdown_seconds + 5
    # Within it, two looks of the probe and then some: what sends requests here has heard of it.
    probe = CONTAINER["readinessProbe"]
    assert settings().drain_seconds >= probe["periodSeconds"] * probe["failureThreshold"]
    assert settings().shutdown_seconds >= settings().drain_seconds + 30


def test_every_selector_selects_these_pods() -> None:
    assert of_kind("Deployment")["spec"]["selector"]["matchLabels"] == LABELS
    assert of_kind("Service")["spec"]["selector"] == LABELS
    assert of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == LABELS
    assert of_kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == LABELS
    for spread in POD["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"] == LABELS
    topologies = {spread["topologyKey"] for spread in POD["topologySpreadConstraints"]}
    assert topologies == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def test_nothing_is_let_out() -> None:
    policy = of_kind("NetworkPolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["egress"] == []


def test_pods_are_added_by_what_is_in_flight_and_one_is_always_there(client: httpx.Client) -> None:
    spec = of_kind("HorizontalPodAutoscaler")["spec"]
    assert spec["scaleTargetRef"]["name"] == of_kind("Deployment")["metadata"]["name"]
    (pods,) = (metric["pods"] for metric in spec["metrics"] if metric["type"] == "Pods")
    offered = {line.split()[2] for line in client.get("/metrics").text.splitlines() if line.startswith("# TYPE")}
    assert pods["metric"]["name"] in offered
    # Well before a pod refuses.
    assert in_bytes(pods["target"]["averageValue"]) <= settings().max_bytes_in_flight // 2
    assert "replicas" not in of_kind("Deployment")["spec"]
    assert spec["minReplicas"] > of_kind("PodDisruptionBudget")["spec"]["maxUnavailable"]
    rolling = of_kind("Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
