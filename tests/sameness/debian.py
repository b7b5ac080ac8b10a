"""A Python of another version or architecture, of Debian's packages, in a folder: nothing is installed."""

import subprocess
from pathlib import Path

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
BESIDE = ("libstdc++6", "libgcc-s1")  # what wheels need that Python does not


def archive() -> str:
    """Return where this machine has Debian's packages from; raises LookupError where it has none."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(COMPONENT)", "Created-By: Packages"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    found = [line.split()[0] for line in told.splitlines() if line.split()[1:] == ["Debian", "main"]]
    if not found:
        raise LookupError("apt knows no archive of Debian; apt-get update may help")
    return found[0]


def root_with(folder: Path, suite: str, architecture: str, python: str) -> Path:
    """Return a root that has a Python of a suite of Debian; raises what says why it cannot be had."""
    root = folder / "root"
    if (root / "usr/bin" / python).exists():
        return root
    for each in ("lists/partial", "cache/archives/partial", "root/usr/lib", "root/usr/bin", "root/usr/sbin"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={KEYS}] {archive()} {suite} main\n")
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/nowhere",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",
    }
    get = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    packages = [f"{python}-minimal", f"lib{python}-stdlib", *BESIDE]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "--download-only", *packages]):
        subprocess.run([*get, *command], check=True, capture_output=True, timeout=300)
    for package in (folder / "cache/archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True, timeout=60)
    for name in ("lib", "lib64", "bin", "sbin"):
        if (root / "usr" / name).is_dir() and not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    return root
