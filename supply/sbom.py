"""Lists what the service is made of as CycloneDX: `python -m supply.sbom LOCK FILE`, where cyclonedx-bom is installed.

Packages come from the lock, with their hashes; what the pages carry along stands in CARRIED.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

VERSION = "1.6"
# Copied into service/pages/: name, version, licence.
CARRIED = (("swagger-ui-dist", "5.35.0", "Apache-2.0"), ("inter-ui", "4.0", "OFL-1.1"))


def carried() -> list[dict[str, Any]]:
    """Return the components that are no package of the lock."""
    return [
        {
            "bom-ref": f"carried-{name}",
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:npm/{name}@{version}",
            "licenses": [{"license": {"id": licence}}],
        }
        for name, version, licence in CARRIED
    ]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return a list of packages with what the pages carry, and with the service as what it is a list of."""
    components = sorted([*document["components"], *carried()], key=lambda each: str(each["name"]))
    references = [each["bom-ref"] for each in components]
    root = document["metadata"]["component"]["bom-ref"]
    others = [each for each in document.get("dependencies", []) if each["ref"] in references]
    listed = {each["ref"] for each in others} | {root}
    leaves = [{"ref": each} for each in references if each not in listed]
    return {
        **document,
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": references}, *others, *leaves],
    }


def main(lock: str, file: str) -> None:
    """Write the list, checked against CycloneDX's schema."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "cyclonedx_py",
        "requirements",
        lock,
        "--pyproject",
        "pyproject.toml",
    ]
    command += ["--output-reproducible", "--spec-version", VERSION, "--output-format", "JSON", "--output-file", "-"]
    made = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    text = json.dumps(completed(json.loads(made)), indent=1, sort_keys=True) + "\n"
    validated(text)
    Path(file).write_text(text)
    sys.stdout.write(f"{file}: {len(json.loads(text)['components'])} components\n")


def validated(text: str) -> None:
    """Raise ValueError where a text is not what CycloneDX's own schema allows."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    fault = JsonStrictValidator(SchemaVersion.from_version(VERSION)).validate_str(text)
    if fault is not None:
        raise ValueError(str(fault))


if __name__ == "__main__":
    main(*sys.argv[1:])
