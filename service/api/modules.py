"""Which JavaScript modules a page needs before it runs: those that are imported, and what these import."""

import posixpath
import re
from collections.abc import Iterable, Mapping

# `import "./x.js"`, `import … from "./x.js"` and `export … from "./x.js"`, at the beginning of a line. What is imported
# when it is needed, import("./x.js"), is not meant.
IMPORTED = re.compile(r"""^(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


def imports_of(name: str, source: str) -> list[str]:
    """Return the names of what a module of this name imports by relative addresses, in its own order."""
    folder = posixpath.dirname(name)
    return [posixpath.normpath(posixpath.join(folder, address)) for address in IMPORTED.findall(source)]


def needed(entries: Iterable[str], sources: Mapping[str, str]) -> list[str]:
    """Return these modules and all that they import, each once, what is found first by a browser first."""
    found = list(dict.fromkeys(entries))
    for name in found:  # which grows
        found += [
            each for each in dict.fromkeys(imports_of(name, sources[name])) if each in sources and each not in found
        ]
    return found
