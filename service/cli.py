"""The command `initserve`: serve, and the same work without a server."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from service import __version__
from service.api.app import create_app
from service.api.body import parse_spec
from service.api.problems import RequestProblem
from service.api.server import run as run_server
from service.formats import FORMATS, Include
from service.settings import Settings, settings_table
from service.weights.errors import InitserveError
from service.weights.self_test import disagreements
from service.weights.targets import levels


def serve() -> None:
    """Serve over HTTP until interrupted."""
    settings = Settings()
    address = f"http://{settings.host}:{settings.port}"
    print(f"Swagger UI: {address}/docs/")
    print(f"Try: curl -d @examples/lenet5.json -H 'content-type: application/json' '{address}/init?include=statistics'")
    sys.stdout.flush()
    run_server(settings)


def init(spec: Path, output: Path) -> None:
    """Write the weights of a spec to a file whose suffix names the format; under its name only when it is whole."""
    by_suffix = {format.suffix: format for format in FORMATS.values()}
    if output.suffix not in by_suffix:
        raise SystemExit(f"initserve: {output}: the suffix is one of {', '.join(by_suffix)}")
    plan = parse_spec(spec.read_bytes()).plan()
    payload = by_suffix[output.suffix].encode(plan, Include(weights=True, statistics=output.suffix == ".json"))
    handle, temporary = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in payload.chunks():
                file.write(chunk)
        os.chmod(temporary, 0o666 & ~current_umask())
        os.replace(temporary, output)
    except BaseException:
        os.unlink(temporary)
        raise
    for warning in plan.warnings:
        print(f"initserve: warning: {warning.pointer}: {warning.detail}", file=sys.stderr)
    print(f"{output}: {len(plan.parameters)} parameters, {plan.elements:,} elements, seed {plan.seed}")


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check() -> None:
    """Compile the kernels, compute the golden digests and compare them."""
    found = disagreements()
    if found:
        raise SystemExit(f"initserve: other bytes than everywhere else: {', '.join(found)}")
    print("initserve: the golden digests agree")


def compile_all() -> None:
    """Compile the kernels for every level of this machine's architecture, so that an image starts quickly anywhere."""
    for name, (_, tuning) in levels().items():
        environment = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": tuning}
        # A process a level: importing the kernels compiles them, and runs none that this machine could not.
        program = "import service.weights.kernels, service.weights.householder, service.analysis.passes"
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
        print(f"initserve: compiled for {name}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="initserve", description="The same initial weights, everywhere.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="serve over HTTP (INITSERVE_HOST, INITSERVE_PORT; docs/settings.md)")
    command = commands.add_parser("init", help="write the weights of a spec to a file, without a server")
    command.add_argument("spec", type=Path, metavar="SPEC", help="a JSON file as POST /init takes it")
    suffixes = ", ".join(format.suffix for format in FORMATS.values())
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help=f"its suffix is one of {suffixes}"
    )
    commands.add_parser("check", help="compute the golden digests and compare them; compiles the kernels where needed")
    commands.add_parser("compile", help="compile the kernels for every level of this machine's architecture")
    commands.add_parser("openapi", help="print the OpenAPI document")
    commands.add_parser("settings", help="print the table of settings")
    chosen = parser.parse_args(arguments)
    try:
        run(chosen)
    except (InitserveError, RequestProblem) as error:
        lines = [f"{found['pointer']}: {found['detail']}" for found in getattr(error, "errors", [])]
        raise SystemExit("\n".join([f"initserve: {error}", *lines])) from None
    except OSError as error:
        raise SystemExit(f"initserve: {error}") from None


def run(chosen: argparse.Namespace) -> None:
    match chosen.command:
        case "serve":
            serve()
        case "init":
            init(chosen.spec, chosen.output)
        case "check":
            check()
        case "compile":
            compile_all()
        case "openapi":
            document = create_app(Settings()).openapi()
            print(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))
        case "settings":
            print(settings_table(), end="")
