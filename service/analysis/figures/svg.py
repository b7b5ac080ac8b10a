"""Plain SVG as strings: elements, words measured and wrapped, a sheet to write on, and the look all figures share."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from math import inf
from string import Template

WIDTH, MARGIN = 440.0, 18.0  # narrow: its words can still be read where a phone shrinks it to 360 pixels
ENLARGED = 1.25  # where there is room
HEAD, TEXT, SMALL = 20.0, 13.0, 12.0
BOLD = 1.12  # times as wide
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in any XML 1.0 document

# Light and dark, as in the playground.
COLOURS = {
    "card": ("#ffffff", "#161e24"),
    "ink": ("#15212b", "#e9eef1"),
    "soft": ("#4b5864", "#a9b5be"),
    "hair": ("#dbe1e6", "#2a363f"),
    "edge": ("#7d8a96", "#74828d"),
    "bar": ("#a9d0dc", "#2f6375"),
    "theory": ("#8a4b08", "#f0b25f"),
    "normal": ("#17693a", "#6fd096"),
    "low": ("#2257a8", "#8db7f5"),
    "steep": ("#b03a0c", "#f79a6d"),
    "symmetric": ("#75379a", "#d2a5ee"),
    "dead": ("#505862", "#b9c1c8"),
}
VERDICTS = {"normal": "normal", "low-gradient": "low", "steep": "steep", "symmetric": "symmetric", "dead": "dead"}
FORM = f"""
text{{font:{TEXT:g}px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}}
.small{{font-size:{SMALL:g}px}}
.power{{font-size:9.5px}}
.name{{font-weight:600}}
.head{{font-size:{HEAD:g}px;font-weight:700}}
.halo{{stroke-width:4px;stroke-linejoin:round;paint-order:stroke}}
.rule{{fill:none;stroke-width:1px}}
.break{{stroke-dasharray:1 4}}
.line{{fill:none;stroke-width:1.5px;stroke-linejoin:round}}
.dashed{{stroke-dasharray:5 3}}
.zone{{fill-opacity:.13}}
.stream{{stroke-width:2.4px}}
.branch{{stroke-width:1px}}
.block{{fill-opacity:.05}}
.mark{{stroke-width:1px}}
.fine{{stroke-width:0}}
.open{{stroke-width:1.6px}}"""
PAINT = """
.card{fill:$card}
text{fill:$ink}
.soft{fill:$soft}
.halo{stroke:$card}
.grid{stroke:$hair}
.edge{stroke:$edge}
.measured{stroke:$ink}
.branch{stroke:$edge}
.stream{stroke:$ink}
.block{fill:$ink}
.pass{fill:$edge}
.share{fill:$ink}
.theory{stroke:$theory}
.bars{fill:$bar}
.zone{fill:$normal}
.mark{stroke:$card}""" + "".join(
    f"\n.{verdict}{{fill:${colour}}}\n.open.{verdict}{{fill:$card;stroke:${colour}}}"
    f"\n.line.{verdict}{{fill:none;stroke:${colour}}}"
    for verdict, colour in VERDICTS.items()
)
# Corners in units of a mark's radius, so that a verdict is told by more than colour; a normal one is round.
CORNERS = {
    "low-gradient": ((-1.15, -0.9), (1.15, -0.9), (0.0, 1.15)),
    "steep": ((-1.15, 0.9), (1.15, 0.9), (0.0, -1.15)),
    "symmetric": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "dead": tuple(
        (x * a - y * b, x * b + y * a)
        for a, b in ((1, 0), (0, 1), (-1, 0), (0, -1))
        for x, y in ((0.4, 0.0), (1.05, 0.65), (0.65, 1.05))
    ),
}


def style() -> str:
    """Return the rules for light, and over them those for dark on screen: paper stays white."""
    light, dark = (Template(PAINT).substitute({name: pair[way] for name, pair in COLOURS.items()}) for way in (0, 1))
    form, light, dark = (rules.replace("\n", "\n.initserve ") for rules in (FORM, light, dark))
    fits = "svg.initserve:root{max-width:100%;height:auto}"  # in a document of its own; elsewhere the page decides
    return f"{fits}{form}{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}\n"


def number(value: float) -> str:
    """Return a value in three significant digits."""
    return "∞" if value == inf else f"{value + 0.0:.3g}".replace("-", "−")


def tidy(value: float) -> str:
    """Return a coordinate, always of the same digits."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain(text: str) -> str:
    return escape(FORBIDDEN.sub("\ufffd", text))


def element(tag: str, *children: str, **attributes: str | float) -> str:
    """Return an element; `class_` and `text_anchor` are `class` and `text-anchor`. Children are SVG already."""
    stated = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{plain(value) if isinstance(value, str) else tidy(value)}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{stated}>{''.join(children)}</{tag}>" if children else f"<{tag}{stated}/>"


def words(text: str, x: float, y: float, kind: str = "", anchor: str = "start", **more: str | float) -> str:
    if anchor != "start":
        more |= {"text_anchor": anchor}
    return element("text", plain(text), **({"class_": kind} if kind else {}), x=x, y=y, **more)


def power(exponent: int, x: float, y: float) -> str:
    """Return a power of ten that ends at x."""
    raised = element("tspan", str(exponent).replace("-", "−"), class_="power", dy=-4.0)
    return element("text", "10", raised, class_="small soft", x=x, y=y, text_anchor="end")


def line(points: Iterable[tuple[float, float]], kind: str) -> str:
    return element("path", class_=kind, d="M" + "L".join(f"{tidy(x)} {tidy(y)}" for x, y in points))


def mark(verdict: str, x: float, y: float, radius: float, kind: str = "", title: str = "") -> str:
    """Return a verdict's sign, in its shape and colour."""
    r = tidy(radius)
    if verdict in CORNERS:
        d = "M" + "L".join(f"{tidy(x + radius * a)} {tidy(y + radius * b)}" for a, b in CORNERS[verdict]) + "z"
    else:
        d = f"M{tidy(x - radius)} {tidy(y)}a{r} {r} 0 1 0 {tidy(2 * radius)} 0a{r} {r} 0 1 0 {tidy(-2 * radius)} 0z"
    return element(
        "path", *([element("title", plain(title))] if title else []), class_=f"{kind} {verdict}".strip(), d=d
    )


def width_of(text: str, size: float = TEXT) -> float:
    """Return about how wide a text is, rather too wide: which font the reader has is not known."""
    ems = (
        0.38 if letter in " ijltfrI.,:;!|'()[]-" else 0.95 if letter in "mwMW@%…—" or letter > "\u2e80"
        else 0.7 if letter.isupper() else 0.6
        for letter in text
    )  # fmt: skip
    return size * sum(ems)


def wrap(text: str, width: float, size: float = TEXT, most: int | None = None) -> list[str]:
    """Return the lines of a text, a word too long for one cut; what is beyond `most` lines is left out with a sign."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".lstrip()
        if width_of(joined, size) <= width:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if width_of(lines[-1] + letter, size) > width:
                lines.append("")
            lines[-1] += letter
    if most is None or len(lines) <= most:
        return lines
    return [*lines[: most - 1], shorten(" ".join(lines[most - 1 :]), width, size, start=True)]


def shorten(text: str, width: float, size: float = TEXT, start: bool = False) -> str:
    """Return a text that fits: of a longer one its start, or its end, which is what tells names apart."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(f"{text}…", size) > width:
        text = text[:-1] if start else text[1:]
    return f"{text.rstrip()}…" if start else f"…{text}"


@dataclass
class Sheet:
    """A figure as it grows downwards: `y` is where the next thing goes."""

    y: float = MARGIN
    parts: list[str] = field(default_factory=list)

    def write(self, text: str, kind: str = "", size: float = TEXT, indent: float = 0.0) -> None:
        room = WIDTH - 2.0 * MARGIN - indent
        for each in wrap(text, room / (BOLD if size == HEAD else 1.0), size):
            self.y += size * 1.4
            self.parts.append(words(each, MARGIN + indent, self.y - size * 0.35, kind))

    def legend(self, entries: list[tuple[str, float, str]]) -> None:
        """Write samples, each drawn in a box so wide and 12 high, with what they mean beside them."""
        x = MARGIN
        self.y += 18.0
        for sample, box, meaning in entries:
            wide = box + 6.0 + width_of(meaning, SMALL)
            if x > MARGIN and x + wide > WIDTH - MARGIN:
                x = MARGIN
                self.y += 18.0
            self.parts.append(element("g", sample, transform=f"translate({tidy(x)} {tidy(self.y - 10.0)})"))
            self.parts.append(words(meaning, x + box + 6.0, self.y, "small soft"))
            x += wide + 14.0

    def document(self, title: str, description: str) -> str:
        """Return the finished figure."""
        height = self.y + MARGIN
        return element(
            "svg",
            element("title", plain(title)),
            element("desc", plain(description)),
            element("style", style()),
            element("rect", class_="card", width=WIDTH, height=height),
            *self.parts,
            xmlns="http://www.w3.org/2000/svg",
            class_="initserve",
            role="img",
            viewBox=f"0 0 {tidy(WIDTH)} {tidy(height)}",
            width=WIDTH * ENLARGED,
            height=height * ENLARGED,
        )
