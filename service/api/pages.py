"""The playground and the API's page: their files as they were at start-up, each under an address that never changes.

A page's HTML is asked about at each visit; what it loads has the digest of all its files in its address, and is kept.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from service.api.content import REVALIDATED, Content
from service.api.modules import needed
from service.api.representation import FOREVER

FOLDER = Path(__file__).parent.parent / "pages"
FOLDERS = {"playground": "", "swagger": "/docs"}  # and where each is served
HTML = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
TEXT = "text/plain; charset=utf-8"  # licences, which have no suffix
ADDRESS = re.compile(r'(?<=\s)(href|src)="([^"]+)"')
MODULE = re.compile(r'^ *<(?:script type="module" src|link rel="modulepreload" href)="([^"]+)".*\n', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """A folder of files: `digest` names all of them as they are, `html` leads to them by it."""

    digest: str
    files: Mapping[str, Content]
    html: Content


def names_in(folder: Path) -> list[str]:
    """Return the names of a folder's files, without those of editors and systems, which begin with a dot."""
    files = (path for path in folder.rglob("[!.]*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def read_page(folder: Path) -> Page:
    """Read a page's files and compress them; takes about a tenth of a second."""
    files = {
        name: Content.of((folder / name).read_bytes(), MEDIA_TYPES.get(Path(name).suffix, TEXT))
        for name in names_in(folder)
    }
    listing = "".join(f"{files[name].digest} {name}\n" for name in sorted(files))
    digest = hashlib.sha256(listing.encode()).hexdigest()[:16]
    html = files.pop(HTML)
    return Page(digest, files, Content.of(rendered(html.plain.decode(), digest, files).encode(), html.media_type))


def rendered(html: str, digest: str, files: Mapping[str, Content]) -> str:
    """Return a page's HTML with the addresses of its files by their digest, and every module that it will need told.

    In the file, addresses are relative and only the modules to begin with stand there, so that any file server can
    serve it too.
    """
    sources = {name: files[name].plain.decode() for name in files if name.endswith(".js")}
    told = "".join(
        f'    <link rel="modulepreload" href="{name}" />\n' for name in needed(MODULE.findall(html), sources)
    )
    html = MODULE.sub(lambda tag: "" if tag[0].lstrip().startswith("<link") else told + tag[0], html)
    return ADDRESS.sub(lambda found: f'{found[1]}="page/{digest}/{found[2]}"' if found[2] in files else found[0], html)


def read_pages() -> dict[str, Page]:
    return {name: read_page(FOLDER / name) for name in FOLDERS}


def routes(name: str) -> list[Route]:
    """Return the routes of a page: its HTML, each file at its plain name, all of them by digest.

    One route for all plain names would match every address, and hide that some take another method.
    """
    prefix = FOLDERS[name]

    async def show(request: Request) -> Response:
        return page_of(request, name).html.answer(request, {"cache-control": REVALIDATED})

    async def file(file: str, request: Request) -> Response:
        return page_of(request, name).files[file].answer(request, {"cache-control": REVALIDATED})

    async def nothing(request: Request) -> Response:
        raise HTTPException(404)

    async def kept(request: Request) -> Response:
        page, asked = page_of(request, name), request.path_params
        if asked["digest"] != page.digest or asked["file"] not in page.files:
            raise HTTPException(404)
        return page.files[asked["file"]].answer(request, {"cache-control": FOREVER})

    plain = [each for each in names_in(FOLDER / name) if each != HTML]
    return [
        Route(f"{prefix}/", show),
        Route(f"{prefix}/{HTML}", show),
        *(Route(f"{prefix}/{each}", partial(file, each)) for each in plain),
        Route(f"{prefix}/page/{{digest}}/{{file:path}}", kept),
        *([Route(f"{prefix}/{{file:path}}", nothing)] if prefix else []),
    ]


def page_of(request: Request, name: str) -> Page:
    found: Page = request.app.state.pages[name]
    return found
