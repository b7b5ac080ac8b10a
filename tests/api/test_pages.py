"""Pages as HTTP has them: compressed, told apart, kept for good by digest; and what stays the same beside them."""

import asyncio
import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from service.api.content import Content, InPieces
from service.api.modules import needed
from service.api.pages import FOLDER, FOLDERS, names_in, read_page

ROOT = Path(__file__).parents[2]
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
}
FILES = [(name, file) for name in FOLDERS for file in names_in(FOLDER / name) if file != "index.html"]
FOREVER = "public, max-age=31536000, immutable"
# Files of pages, and documents that are made when they are first asked for.
REVALIDATED = ("/", "/main.js", "/docs/", "/openapi.json", "/schemes", "/layers", "/activations", "/recipes")


def folder_of(client: httpx.Client, name: str) -> str:
    """Return the address under which a page has its files for good, as its HTML names it."""
    (folder,) = set(re.findall(r'"(page/[0-9a-f]{16}/)', client.get(f"{FOLDERS[name]}/").text))
    return f"{FOLDERS[name]}/{folder}"


@pytest.mark.parametrize("name", FOLDERS)
def test_every_file_is_what_it_is_on_disk_at_both_its_addresses(client: httpx.Client, name: str) -> None:
    folder = folder_of(client, name)
    for file in (file for page, file in FILES if page == name):
        for address, kept in ((f"{FOLDERS[name]}/{file}", "no-cache"), (folder + file, FOREVER)):
            found = client.get(address)
            assert found.content == (FOLDER / name / file).read_bytes()
            assert found.headers["cache-control"] == kept
            assert found.headers["content-type"] == TYPES.get(file.rpartition(".")[2], "text/plain; charset=utf-8")


def test_there_is_no_kind_of_file_without_a_type() -> None:
    assert {Path(file).suffix for _, file in FILES} <= {"", *(f".{kind}" for kind in TYPES)}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_html_leads_to_files_that_are_there_by_relative_addresses(client: httpx.Client, name: str) -> None:
    page = client.get(f"{FOLDERS[name]}/")
    assert page.headers["cache-control"] == "no-cache"
    led = re.findall(r'\b(?:href|src)="([^"]+)"', page.text)
    assert not [address for address in led if address.startswith(("/", "http"))]  # behind a prefix they would not hold
    files = [address for address in led if address.startswith("page/")]
    asked_for = {file for page_name, file in FILES if page_name == name}
    assert len(files) > 4
    assert {address.split("/", 2)[2] for address in files} <= asked_for
    assert not asked_for & set(led)
    assert client.get(f"{FOLDERS[name]}/index.html").content == page.content


def test_compressed_files_are_asked_for_and_are_the_same() -> None:
    """Held for one file; that every file decodes is what the client of all these tests sees to."""
    content = Content.of(b"weights " * 999, "text/plain")
    assert content.compressed is not None
    assert gzip.decompress(content.compressed) == content.plain
    assert Content.of(os.urandom(999), "font/woff2").compressed is None


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("x-gzip", True),
        ("br;q=1.0, GZIP;q=0.5, *;q=0", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("br", False),
        ("identity", False),
        ("", False),
        (None, False),
    ],
)
def test_a_coding_is_used_where_it_is_taken(client: httpx.Client, accepted: str | None, compressed: bool) -> None:
    request = client.build_request("GET", "/docs/swagger-ui-bundle.js")
    del request.headers["accept-encoding"]
    if accepted is not None:
        request.headers["accept-encoding"] = accepted
    answer = client.send(request)
    assert ("content-encoding" in answer.headers) == compressed
    assert answer.headers["vary"] == "accept-encoding"
    length = int(answer.headers["content-length"])
    assert length < 500_000 if compressed else length == len(answer.content)
    assert answer.content == (FOLDER / "swagger/swagger-ui-bundle.js").read_bytes()


@pytest.mark.parametrize("address", REVALIDATED)
def test_what_has_not_changed_is_not_sent_again(client: httpx.Client, address: str) -> None:
    tags = set()
    for accepted in ("gzip", "identity"):
        coding = {"accept-encoding": accepted}
        whole = client.get(address, headers=coding)
        tags.add(whole.headers["etag"])
        again = client.get(address, headers={**coding, "if-none-match": f'"old", W/{whole.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == whole.headers[name]
        assert client.get(address, headers={**coding, "if-none-match": '"old"'}).content == whole.content
        assert client.get(address, headers={**coding, "if-match": '"old"'}).status_code == 412
    assert len(tags) == 2  # two representations, which a cache must not take for each other


@pytest.mark.parametrize("address", ["/", "/main.js", "/docs/", "/docs/swagger-ui-bundle.js"])
def test_a_head_is_that_of_the_get(client: httpx.Client, address: str) -> None:
    for accepted in ("gzip", "identity"):
        get, head = (
            client.request(method, address, headers={"accept-encoding": accepted}) for method in ("GET", "HEAD")
        )
        assert head.content == b""
        for own in ("date", "x-request-id"):
            del get.headers[own], head.headers[own]
        assert head.headers == get.headers


@pytest.mark.parametrize(
    "address", ["other/main.js", "{}nothing.js", "{}index.html", "{}", "{}../main.js", "{}%2E%2E/main.js", "{}main.js/"]
)
def test_what_no_page_has_under_its_digest_is_a_problem(client: httpx.Client, address: str) -> None:
    answer = client.get("/page/" + address.format(folder_of(client, "playground").split("/")[2] + "/"))
    if answer.url.path.startswith("/page/"):  # else a client took `..` away itself
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("address", ["/", "/main.js", "/docs/", "/docs/start.js"])
def test_pages_are_only_read(client: httpx.Client, address: str) -> None:
    answer = client.post(address)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_change_of_any_file_gives_all_of_them_new_addresses(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "index.html").write_text('<script type="module" src="main.js"></script>\n')
    (tmp_path / "main.js").write_text('import "./rooms/room.js";')
    (tmp_path / "rooms/room.js").write_text("")
    (tmp_path / ".room.js.swp").write_text("")
    first, same = read_page(tmp_path), read_page(tmp_path)
    assert same == first
    assert first.files.keys() == {"main.js", "rooms/room.js"}
    assert first.html.plain.decode() == (
        f'    <link rel="modulepreload" href="page/{first.digest}/main.js" />\n'
        f'    <link rel="modulepreload" href="page/{first.digest}/rooms/room.js" />\n'
        f'<script type="module" src="page/{first.digest}/main.js"></script>\n'
    )
    (tmp_path / "rooms/room.js").write_text("// another")
    assert read_page(tmp_path).digest != first.digest
    (tmp_path / "rooms/room.js").rename(tmp_path / "rooms/chamber.js")
    assert read_page(tmp_path).digest != first.digest


def test_modules_are_told_in_the_order_in_which_a_browser_would_come_to_them() -> None:
    sources = {
        "main.js": 'import "./a/one.js";\nimport {\n  x,\n} from "./b.js";\nconst late = () => import("./later.js");',
        "a/one.js": 'import { z } from "../b.js";\nexport { w } from "./two.js";\nexport const from = "./none.js";',
        "a/two.js": "import * as main from '../main.js';\nimport \"./missing.js\";",
        "b.js": "// import './later.js'\nlet text = `\n  import './later.js'`;",
        "later.js": 'import "./b.js";\nimport "./last.js";',
        "last.js": "",
    }
    assert needed(["main.js"], sources) == ["main.js", "a/one.js", "b.js", "a/two.js"]
    assert needed(["later.js", "b.js"], sources) == ["later.js", "b.js", "last.js"]


def test_a_long_answer_is_handed_over_piece_by_piece() -> None:
    sent: list[Message] = []

    async def unread() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    body = os.urandom(200_000)
    asyncio.run(InPieces(body)({"type": "http"}, unread, send))
    pieces = [message["body"] for message in sent[1:]]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 2**16
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(pieces) - 1) + [False]


def test_no_page_is_read_before_the_service_starts() -> None:
    program = (
        "import sys; read = []\n"
        "sys.addaudithook(lambda event, about: read.append(about[0]) if event == 'open' else None)\n"
        "from service.api.app import create_app; from service.settings import Settings; create_app(Settings())\n"
        "print([path for path in map(str, read) if 'service/pages' in path], len(read) > 100)"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[] True"
