// A figure as an SVG that stands alone: computed styles and the page's font inside, canvases as pictures, its background
// as it was seen, with its title, legend and source.
import { svg } from "../frame/dom.js";
import { fontsOf } from "./fonts.js";
import { paint } from "./paint.js";

const PAD = 20;
const TITLE = { size: 16, weight: 600, line: 22 };
const SMALL = { size: 12, weight: 400, line: 17 };
const SOURCE = { size: 11, weight: 400, line: 15 };
let families = ""; // of the figure that is drawn
const SAMPLE = { width: 26, height: 12, gap: 7, between: 18 };
const LEAST_WIDTH = 280;
// What a picture's look is made of; all that differs from what it is without being said.
const PLAIN = {
  fill: "rgb(0, 0, 0)", "fill-opacity": "1", "fill-rule": "nonzero", stroke: "none", "stroke-width": "1px", "stroke-opacity": "1",
  "stroke-dasharray": "none", "stroke-dashoffset": "0px", "stroke-linecap": "butt", "stroke-linejoin": "miter", opacity: "1",
  "font-family": "", "font-size": "", "font-weight": "400", "font-style": "normal", "letter-spacing": "normal",
  "text-anchor": "start", "dominant-baseline": "auto", "paint-order": "normal", "image-rendering": "auto", visibility: "visible", transform: "none",
}; // prettier-ignore
const OF_TEXT = ["font-family", "font-size", "font-weight", "font-style", "letter-spacing", "text-anchor", "dominant-baseline"];
const COLOURS = ["fill", "stroke"];
const KEPT = ["viewBox", "preserveAspectRatio"];
const DROPPED = /^(?:class|style|role|tabindex|focusable|data-|aria-|on)/;
const PICTURES = ":is(svg, canvas):not(.icon, .sample, svg svg)";

// `told` are {title, link, source}: the link is where the source line leads, and is kept in the description too.
export async function standing(figure, told) {
  const pictures = [...figure.querySelectorAll(PICTURES)].filter((each) => !each.closest(".legend, .save, details") && each.getBoundingClientRect().width);
  const frame = union(pictures.map((each) => each.getBoundingClientRect()));
  const width = Math.ceil(Math.max(frame.width, LEAST_WIDTH)) + 2 * PAD;
  const style = getComputedStyle(figure);
  families = style.fontFamily;
  const words = writer(style, width);
  const drawn = [];
  let y = PAD;
  y = words.lines(drawn, told.title, TITLE, y, paint(style.color)) + 10;
  drawn.push(...pictures.map((each) => placed(each, each.getBoundingClientRect(), frame, y)));
  y += frame.height + 8;
  y = legendOf(figure, words, drawn, y, width);
  const note = figure.querySelector(":scope > .note");
  if (note) y = words.lines(drawn, note.textContent, SMALL, y, paint(getComputedStyle(note).color));
  const source = svg("a", { href: told.link });
  y = words.lines(source, told.source, SOURCE, y + 4, paint(softOf(figure)));
  const height = Math.ceil(y + PAD - 6);
  return svg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, "font-family": style.fontFamily.replaceAll('"', "'") },
    svg("title", {}, told.title),
    svg("desc", {}, `${told.description}\n${told.link}`),
    svg("style", {}, await fontsOf(style.fontFamily)),
    svg("rect", { width, height, fill: paint(backgroundOf(figure)) }),
    drawn,
    source,
  );
}

export const text = (element) => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(element)}\n`;

function union(boxes) {
  const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
  const [right, bottom] = [Math.max(...boxes.map((box) => box.right)), Math.max(...boxes.map((box) => box.bottom))];
  return { left, top, width: right - left, height: bottom - top };
}

// The figure's own picture, where it stands among the others.
function placed(element, box, frame, top) {
  const place = { x: PAD + box.left - frame.left, y: top + box.top - frame.top, width: box.width, height: box.height };
  if (element instanceof HTMLCanvasElement)
    return svg("image", { ...place, href: element.toDataURL("image/png"), preserveAspectRatio: "none" });
  const copy = copyOf(element);
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, value);
  copy.setAttribute("overflow", "visible");
  return copy;
}

// A copy whose look no longer hangs on the page's style sheets.
function copyOf(element) {
  const computed = getComputedStyle(element);
  const copy = document.createElementNS(element.namespaceURI, element.localName);
  for (const { name, value } of element.attributes) if (!DROPPED.test(name) || KEPT.includes(name)) copy.setAttribute(name, value);
  inline(copy, computed, element.localName);
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE && isDrawn(child)) copy.append(inSvg(child));
  }
  return copy;
}

const inSvg = (child) => (child.localName === "canvas" ? placedWithin(child) : copyOf(child));
const placedWithin = (canvas) => svg("image", { width: canvas.clientWidth, height: canvas.clientHeight, href: canvas.toDataURL("image/png") });

const isDrawn = (element) => getComputedStyle(element).display !== "none" && !element.classList.contains("crosshair");

function inline(copy, computed, tag) {
  if (["svg", "g", "defs", "title", "desc", "clipPath", "mask", "linearGradient", "radialGradient", "stop"].includes(tag)) {
    if (computed.opacity !== "1") copy.setAttribute("opacity", computed.opacity);
    return;
  }
  for (const [name, plain] of Object.entries(PLAIN)) {
    const value = computed.getPropertyValue(name);
    if (value === plain || (OF_TEXT.includes(name) && !["text", "tspan"].includes(tag))) continue;
    if (name === "font-family" && value === families) continue; // said of the whole
    if (name === "transform" && copy.hasAttribute("transform")) continue; // said as an attribute
    copy.setAttribute(name, COLOURS.includes(name) ? paint(value) : value.replaceAll('"', "'"));
  }
}

function backgroundOf(element) {
  for (let place = element; place; place = place.parentElement) {
    const { backgroundColor } = getComputedStyle(place);
    if (!/^(?:transparent|rgba\(0, 0, 0, 0\))$/.test(backgroundColor)) return backgroundColor;
  }
  return "rgb(255, 255, 255)";
}

const softOf = (figure) => getComputedStyle(figure.querySelector(".legend, .note, summary") ?? figure).color;

// Writes words in lines that fit, and tells where they end.
function writer({ fontFamily }, width) {
  const pen = document.createElement("canvas").getContext("2d");
  const measure = (words, { size, weight }) => {
    pen.font = `${weight} ${size}px ${fontFamily}`;
    return pen.measureText(words).width;
  };
  const fitted = (words, kind) => {
    const lines = [""];
    for (const word of words.split(/\s+/)) {
      const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
      if (!lines.at(-1) || measure(longer, kind) <= width - 2 * PAD) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  };
  const line = (words, kind, x, y, fill) => svg("text", { x, y: y + kind.size, fill, "font-size": kind.size, "font-weight": kind.weight }, words);
  const lines = (into, words, kind, y, fill) => {
    const written = fitted(words, kind).map((each, index) => line(each, kind, PAD, y + index * kind.line, fill));
    if (Array.isArray(into)) into.push(...written);
    else into.append(...written);
    return y + written.length * kind.line;
  };
  return { measure, line, lines };
}

function legendOf(figure, { measure, line }, drawn, y, width) {
  let [x, top] = [PAD, y];
  const entries = [...figure.querySelectorAll(".legend li")];
  for (const entry of entries) {
    const sample = entry.querySelector("svg");
    const words = entry.textContent.trim();
    const room = (sample ? SAMPLE.width + SAMPLE.gap : 0) + measure(words, SMALL);
    if (x > PAD && x + room > width - PAD) [x, top] = [PAD, top + SMALL.line];
    if (sample) drawn.push(sampleOf(sample, x, top));
    drawn.push(line(words, SMALL, x + (sample ? SAMPLE.width + SAMPLE.gap : 0), top, paint(getComputedStyle(entry).color)));
    x += room + SAMPLE.between;
  }
  return entries.length ? top + SMALL.line + 4 : y;
}

function sampleOf(sample, x, y) {
  const copy = copyOf(sample);
  const { width, height } = sample.getBoundingClientRect();
  const place = { x: x + (SAMPLE.width - width) / 2, y: y + 2 + (SAMPLE.height - height) / 2, width, height };
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, value);
  return copy;
}
