"""docs/keys.md says what is so: its scopes, its line, its commands, and what the service answers."""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx

from service.api.door.keys import read_line
from service.api.door.scopes import SCOPES
from service.api.problems import PROBLEMS
from service.settings import Settings
from tests.conftest import ROOT, serving

PAGE = (ROOT / "docs/keys.md").read_text()
SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [2, 2]}]}


def test_the_page_has_every_scope_with_what_it_opens_and_settings_that_there_are() -> None:
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)) == SCOPES
    named = set(re.findall(r"INITSERVE_([A-Z_]+)", PAGE)) - {"KEY"}
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert set(re.findall(r"40[13] `([\w-]+)`", PAGE)) <= PROBLEMS.keys()


def test_the_line_that_the_page_shows_is_one() -> None:
    (line,) = re.findall(r"^alice .+$", PAGE, re.MULTILINE)
    assert read_line(line).scopes == {"weights", "heavy"}


def test_the_command_of_the_page_makes_a_key_that_opens_what_the_page_says(tmp_path: Path) -> None:
    (command,) = re.findall(r"^initserve (keys new .+) >>", PAGE, re.MULTILINE)
    made = subprocess.run([sys.executable, "-m", "service", *command.split()], capture_output=True, text=True, cwd=ROOT)
    assert made.returncode == 0, made.stderr
    key = made.stderr.split()[-1]
    assert hashlib.sha256(key.encode()).hexdigest() in made.stdout
    assert key not in made.stdout
    file = tmp_path / "keys"
    file.write_text(made.stdout)
    (opened,) = re.findall(r"`([\w,]+)` is an open playground", PAGE)
    closed = {"INITSERVE_API_KEYS_FILE": str(file), "INITSERVE_OPEN_SCOPES": opened}
    with serving(**closed) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        asked = {"authorization": f"Bearer {key}"}
        assert client.post("/diagnose", json=SPEC).json()["type"] == "/problems/key-needed"
        assert client.post("/diagnose", json=SPEC, headers=asked).status_code == 200
        assert client.post("/specs", json=SPEC, headers=asked).json()["type"] == "/problems/scope-missing"
        file.write_text("")
        deadline = time.monotonic() + 20
        while client.post("/diagnose", json=SPEC, headers=asked).status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert client.post("/diagnose", json=SPEC, headers=asked).json()["type"] == "/problems/unknown-key"
        assert key.removeprefix("initserve_") not in server.logged()


def test_a_file_of_keys_with_a_fault_stops_the_start_and_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# ours\nalice weights initserve_of-alice-in-plain-text\n")
    for name, value, said in (
        ("api-keys-file", tmp_path / "keys", "INITSERVE_API_KEYS_FILE: line 2: this is not NAME SCOPES"),
        ("api-keys-file", tmp_path / "none", "INITSERVE_API_KEYS_FILE: [Errno 2] No such file"),
        ("open-scopes", "write", "INITSERVE_OPEN_SCOPES: scopes are read"),
        ("trusted-proxies", "10.0.0.1/8", "INITSERVE_TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"),
        ("cors-origins", "example.org", "INITSERVE_CORS_ORIGINS: 'example.org' is no origin"),
    ):
        command = [sys.executable, "-m", "service", "serve", "--port", "0", f"--{name}", str(value)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
        assert done.returncode == 1, name
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert "of-alice" not in done.stdout + done.stderr
