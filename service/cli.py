"""The command `initserve`: serve, and the same work without a server."""

import argparse
import asyncio
import gzip
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from service import __version__
from service.api.app import create_app
from service.api.door.access import WrongSetting
from service.api.door.keys import new_key
from service.api.door.scopes import SCOPES, scopes_in
from service.api.links import named
from service.api.parsing import parse_json, parse_spec, pointing_into
from service.api.problems import RequestProblem
from service.checking import compare, in_words
from service.compiling import Compilation
from service.doctor import examine
from service.doctor.findings import summary, wrong
from service.errors import InitserveError
from service.flags import WrongSettings, add_flags, given_flags, settings_of
from service.formats import FORMATS, Format, Include
from service.formats.description import encode_plan
from service.headers import SUFFIXES, listing_of
from service.materialize.command import DESCRIPTION, add_arguments, materialize
from service.materialize.places.place import PlaceError
from service.materialize.uncollected import uncollected
from service.progress import progress_bar
from service.reading import source_of
from service.replay import ALGORITHMS
from service.serving.run import serve as run_server
from service.settings import Settings, settings_table
from service.specs.self_test import agrees, disagreements
from service.stream.targets import levels
from service.verification import Result
from service.writing import terminated_as_by_interrupt, write, write_file


def serve(settings: Settings) -> None:
    """Serve over HTTP until interrupted."""
    run_server(settings)


def make_key(name: str, scopes: str) -> None:
    """Print a new key's line, for `>>` the file of keys; and the key, which nobody can tell from that."""
    try:
        key, line = new_key(name, sorted(scopes_in(scopes)))
    except ValueError as fault:
        raise SystemExit(f"initserve: {fault}") from None
    print(f"The key of {name}, which is shown this once:\n{key}", file=sys.stderr, flush=True)
    print(line)


PIPE = "-"
STANDARD = "- for standard input"
LIKE = (
    f"a file whose tensors are to be started, of which the header alone is read: {SUFFIXES}; a SPEC beside it may "
    "state a seed, rules and the like"
)


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


def init(spec: bytes, output: str, format_name: str | None) -> None:
    """Write the weights of a spec to a file or a pipe; what there is to say goes to standard error."""
    format = format_of(output, format_name)
    if output == PIPE and sys.stdout.isatty():
        raise SystemExit("initserve: this is no text for a terminal; pipe it on, or name a file")
    plan = parse_spec(spec).plan()
    payload = format.encode(plan, Include(weights=True, statistics=format is FORMATS["json"]))
    threads = settings_of({}).drawing_threads
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


def read_spec(name: str) -> bytes:
    content = sys.stdin.buffer.read() if name == PIPE else Path(name).read_bytes()
    return gzip.decompress(content) if name.endswith(".gz") else content


def asked_for(spec: str | None, like: str | None) -> bytes:
    """Return the spec that is asked for: of a file's tensors where one is named, with what a spec says beside them."""
    if like is None:
        if spec is None:
            raise SystemExit("initserve: name a SPEC, or a file of tensors to be --like")
        return read_spec(spec)
    document = {} if spec is None else parse_json(read_spec(spec))
    if not isinstance(document, dict) or document.get("tensors") is not None:
        raise SystemExit("initserve: a SPEC beside --like is an object without tensors: these are those of the file")
    tensors, layout = listing_of(Path(like))
    return json.dumps({"layout": layout, **document, "tensors": tensors}).encode()


def plan(spec: bytes) -> None:
    """Print what a spec comes to, as POST /plan answers it where no specs are kept."""
    with pointing_into(spec):
        planned = parse_spec(spec).plan()
        if planned.address is None:
            planned = asyncio.run(named(planned, None))
        print(encode_plan(planned).decode())


EQUAL, DIFFERENT, UNKNOWN = 0, 1, 2  # exit statuses of verify


def verify(file: str, spec: str | None) -> int:
    """Print how a file compares with its spec; return the exit status."""
    given = None if spec is None else read_spec(spec)

    def result_of(text: bytes) -> Result:
        with pointing_into(text):
            return Result.of_spec(parse_spec(text))

    with terminated_as_by_interrupt():
        answer = compare(source_of(file), given, result_of, settings_of({}).drawing_threads)
    print("\n".join(in_words(file, answer)))
    return EQUAL if answer["equal"] else DIFFERENT


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


def doctor(given: dict[str, str | bool]) -> int:
    """Say what is wrong with the settings, where they run; return 1 if anything is."""
    try:
        findings = examine(settings_of(given))
    except WrongSettings as error:
        findings = [wrong("settings", line) for line in error.lines]
    for finding in findings:
        print(finding)
    print(summary(findings))
    return int(any(finding.level == "wrong" for finding in findings))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="initserve", description="The same initial weights, everywhere.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_flags(commands.add_parser("serve", help="serve over HTTP; every setting is a flag (docs/settings.md)"))
    add_flags(commands.add_parser("doctor", help="say what is wrong with a deployment: its settings, where they run"))
    command = commands.add_parser("init", help="write the weights of a spec to a file, without a server")
    command.add_argument("spec", metavar="SPEC", nargs="?", help=f"a JSON file as POST /init takes it; {STANDARD}")
    command.add_argument("--like", metavar="FILE", help=LIKE)
    suffixes = ", ".join(format.suffix for format in FORMATS.values())
    command.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=f"its suffix is one of {suffixes}; - for standard output"
    )
    command.add_argument("--format", choices=FORMATS, help="instead of by suffix; a pipe's is safetensors unless given")
    command = commands.add_parser("plan", help="print what a spec comes to, before a number is drawn")
    command.add_argument("spec", metavar="SPEC", nargs="?", help=f"a JSON file as POST /plan takes it; {STANDARD}")
    command.add_argument("--like", metavar="FILE", help=LIKE)
    command = commands.add_parser(
        "verify",
        help="compare a file with what its spec gives, bit for bit",
        description="Ends with 0 where every parameter is equal, 1 where one is not, 2 where that cannot be told.",
    )
    command.add_argument(
        "file",
        metavar="FILE_OR_URL",
        help="safetensors, .npz or .npy; a checkpoint's model.safetensors.index.json, or the directory in which it is; "
        "- for standard input",
    )
    command.add_argument("--spec", metavar="SPEC", help="a JSON file; left out: the one that a safetensors file holds")
    add_arguments(
        commands.add_parser(
            "materialize",
            help="write a whole checkpoint to a directory or a store, by all processors or a cluster",
            description=DESCRIPTION,
        )
    )
    command = commands.add_parser(
        "keys",
        help="make an API key",
        description="Prints the line for the file of keys (docs/keys.md); the key itself goes to standard error, once.",
    )
    command.add_argument("action", choices=("new",))
    command.add_argument("name", metavar="NAME", help="of whoever is to have the key")
    command.add_argument(
        "--scopes", default=",".join(SCOPES), help="what it opens, with commas between; default: %(default)s"
    )
    commands.add_parser("check", help="compute the golden digests and compare them; compiles the kernels where needed")
    commands.add_parser("compile", help="compile the kernels for every level of this machine's architecture")
    command = commands.add_parser("openapi", help="print the OpenAPI document")
    command.add_argument(
        "version",
        nargs="?",
        choices=("3.2", "3.1"),
        default="3.2",
        help="3.1: for generators of clients, with no QUERY",
    )
    commands.add_parser("settings", help="print the table of settings")
    chosen = parser.parse_args(arguments)
    try:
        status = run(chosen)
    except (InitserveError, RequestProblem) as error:
        lines = [f"{found['pointer']}: {found['detail']}" for found in getattr(error, "errors", [])]
        where = f"{error.pointer}: " if isinstance(error, InitserveError) and error.pointer else ""
        failed(chosen, "\n".join([f"initserve: {where}{error}", *lines]))
    except WrongSettings as error:
        failed(chosen, "\n".join(f"initserve: {line}" for line in error.lines))
    except WrongSetting as error:
        failed(chosen, f"initserve: {error}")
    except BrokenPipeError:  # whoever read has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed(chosen)
    except KeyboardInterrupt:
        failed(chosen, "initserve: interrupted", again=True)
    except OSError as error:
        failed(chosen, f"initserve: {error}", again=isinstance(error, PlaceError) and error.passing)
    if status:
        raise SystemExit(status)


def failed(chosen: argparse.Namespace, why: str | None = None, again: bool = False) -> NoReturn:
    """End, and say why: what verify could not tell, and what materialize cannot do even `again`, has its own status."""
    if chosen.command not in ("verify", "materialize") or again:
        raise SystemExit(why or 1) from None
    if why:
        print(why, file=sys.stderr)
    raise SystemExit(UNKNOWN) from None


def run(chosen: argparse.Namespace) -> int:
    """Do what was chosen; return the exit status."""
    match chosen.command:
        case "serve":
            serve(settings_of(given_flags(chosen)))
        case "doctor":
            return doctor(given_flags(chosen))
        case "init":
            init(asked_for(chosen.spec, chosen.like), chosen.output, chosen.format)
        case "plan":
            plan(asked_for(chosen.spec, chosen.like))
        case "verify":
            return verify(chosen.file, chosen.spec)
        case "materialize":
            text = read_spec(chosen.spec)
            with pointing_into(text):
                with uncollected():
                    asked = parse_spec(text)
                return materialize(chosen, asked)
        case "keys":
            make_key(chosen.name, chosen.scopes)
        case "check":
            check()
        case "compile":
            compile_all()
        case "openapi":
            app = create_app(settings_of({}))
            document = app.openapi() if chosen.version == "3.2" else app.openapi_for_generators
            print(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))
        case "settings":
            print(settings_table(), end="")
    return 0
