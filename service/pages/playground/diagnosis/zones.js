// Where each layer lies between too little and too much: its slope, in the zone that it falls in.
import { logarithmic } from "../charts/charts.js";
import { isJudged } from "../charts/pictures.js";
import { readable } from "../charts/reading.js";
import { svg } from "../frame/dom.js";
import { number, t } from "../words/language.js";
import { markAt, SEVERITY } from "./verdicts.js";

const HEIGHT = 66;
const [TOP, BOTTOM] = [18, 46];
const MIDDLE = (TOP + BOTTOM) / 2;
const EDGE = 12;
const BEYOND = 100; // how far the axis reaches into the outer zones at least, as a factor
const FARTHEST = 1e9; // what lies further beyond a limit is drawn at the edge
const ZONES = ["low-gradient", "normal", "steep"];
const MANY = 60; // layers, from which marks are small
const LETTER = 6.6;

const isPlaced = (layer) => isJudged(layer) && Number.isFinite(layer.judged_by?.slope);

export function zonesFigure({ layers, zone }, width) {
  const placed = layers.filter(isPlaced);
  if (!placed.length) return null;
  const slopes = placed.map(({ judged_by }) => judged_by.slope);
  const low = Math.max(zone.low / FARTHEST, Math.min(zone.low / BEYOND, ...slopes.filter((slope) => slope > 0)));
  const high = Math.min(zone.high * FARTHEST, Math.max(zone.high * BEYOND, ...slopes));
  const scale = logarithmic(low, high);
  const X = (slope) => EDGE + Math.max(0, Math.min(1, slope > 0 ? scale.place(slope) : 0)) * (width - 2 * EDGE);
  const picture = svg("svg", {
    class: "chart zones",
    viewBox: `0 0 ${width} ${HEIGHT}`,
    role: "img",
    "aria-label": t("zones.text", { values: placed.map(({ name, judged_by }) => `${name} ${number(judged_by.slope)}`).join("; ") }),
  });
  const borders = [0, X(zone.low), X(zone.high), width];
  ZONES.forEach((name, index) => picture.append(...areaOf(name, borders[index], borders[index + 1])));
  const under = (slope, words) => svg("text", { x: X(slope), y: BOTTOM + 16, "text-anchor": "middle", "aria-hidden": "true" }, words);
  picture.append(under(zone.low, limit(zone.low)), under(1, "1"), under(zone.high, limit(zone.high)));
  const size = placed.length > MANY ? 8 : 12;
  // The worst last, so that they are seen where marks lie on each other.
  for (const layer of [...placed].sort((one, other) => SEVERITY.indexOf(other.verdict) - SEVERITY.indexOf(one.verdict)))
    picture.append(markAt(layer.verdict, X(layer.judged_by.slope), MIDDLE, size));
  readable({ svg: picture, top: TOP, bottom: BOTTOM }, () => [placed.map((layer) => stopOf(layer, X)).sort((one, other) => one.x - other.x)]);
  return picture;
}

// A limit is a power of two: what lies under 1 is written as a part.
const limit = (value) => (value < 1 ? `1/${number(1 / value)}` : number(value));

// The zone's name stands above it where there is room.
function areaOf(name, from, to) {
  const words = t(`zones.${name}`);
  const fits = words.length * LETTER < to - from;
  return [
    svg("rect", { class: `zone is-${name}`, x: from, width: Math.max(0, to - from), y: TOP, height: BOTTOM - TOP }),
    svg("text", { class: `zone-name is-${name}`, x: (from + to) / 2, y: TOP - 6, "text-anchor": "middle", "aria-hidden": "true" }, fits ? words : ""),
  ];
}

const stopOf = ({ name, verdict, judged_by: { slope } }, X) => ({
  x: X(slope),
  y: MIDDLE,
  words: [name, t("zones.slope", { slope: number(slope) }), t(`verdict.${verdict}`)],
});
