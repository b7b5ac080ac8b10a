"""The command `initserve`: serve, and the same work without a server."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from service import __version__
from service.api.app import create_app
from service.api.parsing import parse_spec
from service.api.problems import RequestProblem
from service.api.server import run as run_server
from service.compiling import Compilation
from service.errors import InitserveError
from service.formats import FORMATS, Format, Include
from service.replay import ALGORITHMS
from service.settings import Settings, settings_table
from service.specs.addresses import located
from service.specs.self_test import agrees, disagreements
from service.stream.targets import levels
from service.writing import progress_bar, terminated_as_by_interrupt, write, write_file


def serve() -> None:
    """Serve over HTTP until interrupted."""
    settings = Settings()
    address = f"http://{settings.host}:{settings.port}"
    print(f"Playground: {address}/  Swagger UI: {address}/docs/")
    print(f"Try: curl -d @examples/lenet5.json -H 'content-type: application/json' '{address}/init?include=statistics'")
    sys.stdout.flush()
    run_server(settings)


PIPE = "-"


def format_of(output: str, name: str | None) -> Format:
    """Return the format asked for, or that of the suffix; a pipe has none, and gets safetensors."""
    if name is not None:
        return FORMATS[name]
    if output == PIPE:
        return FORMATS["safetensors"]
    by_suffix = {format.suffix: format for format in FORMATS.values()}
    suffix = Path(output).suffix
    if suffix not in by_suffix:
        raise SystemExit(f"initserve: {output}: the suffix is one of {', '.join(by_suffix)}; or say --format")
    return by_suffix[suffix]


def init(spec: str, output: str, format_name: str | None) -> None:
    """Write the weights of a spec to a file or a pipe; what there is to say goes to standard error."""
    format = format_of(output, format_name)
    if output == PIPE and sys.stdout.isatty():
        raise SystemExit("initserve: this is no text for a terminal; pipe it on, or name a file")
    plan = located(parse_spec(sys.stdin.buffer.read() if spec == PIPE else Path(spec).read_bytes()).plan())
    payload = format.encode(plan, Include(weights=True, statistics=format is FORMATS["json"]))
    threads = Settings().drawing_threads
    with terminated_as_by_interrupt(), progress_bar(output, payload.length) as progress:
        if output == PIPE:
            write(payload, sys.stdout.buffer, progress, threads)
            sys.stdout.buffer.flush()
        else:
            write_file(payload, Path(output), progress, threads)
    for warning in plan.warnings:
        print(f"initserve: warning: {warning.pointer}: {warning.detail}", file=sys.stderr)
    parameters, elements = len(plan.parameters), plan.elements
    print(f"{output}: {parameters} parameters, {elements:,} elements, seed {plan.seed}", file=sys.stderr)


def check() -> None:
    """Compile the kernels, compute the golden digests and compare them."""
    asyncio.run(Compilation().run())
    found = disagreements() + [name for name in ALGORITHMS if not agrees(name)]
    if found:
        raise SystemExit(f"initserve: other bytes than everywhere else: {', '.join(found)}")
    print("initserve: the golden digests agree")


def compile_all() -> None:
    """Compile the kernels for every level of this machine's architecture, so that an image starts quickly anywhere."""
    for name, (_, tuning) in levels().items():
        started = time.monotonic()
        # In processes of their own: kernels are compiled there, and none is run that this machine could not.
        asyncio.run(Compilation({"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": tuning}).run())
        print(f"initserve: compiled for {name} in {time.monotonic() - started:.0f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="initserve", description="The same initial weights, everywhere.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="serve over HTTP (INITSERVE_HOST, INITSERVE_PORT; docs/settings.md)")
    command = commands.add_parser("init", help="write the weights of a spec to a file, without a server")
    command.add_argument("spec", metavar="SPEC", help="a JSON file as POST /init takes it; - for standard input")
    suffixes = ", ".join(format.suffix for format in FORMATS.values())
    command.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=f"its suffix is one of {suffixes}; - for standard output"
    )
    command.add_argument("--format", choices=FORMATS, help="instead of by suffix; a pipe's is safetensors unless given")
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
    except BrokenPipeError:  # whoever read has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit("initserve: interrupted") from None
    except OSError as error:
        raise SystemExit(f"initserve: {error}") from None


def run(chosen: argparse.Namespace) -> None:
    match chosen.command:
        case "serve":
            serve()
        case "init":
            init(chosen.spec, chosen.output, chosen.format)
        case "check":
            check()
        case "compile":
            compile_all()
        case "openapi":
            document = create_app(Settings()).openapi()
            print(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))
        case "settings":
            print(settings_table(), end="")
