// The weights of one array of the network in view, as a heat map: drawn here, or fetched where this browser leaves it
// to the service.
import "./words.js";
import { readNpy, sources } from "../initserve.js";
import { h, keeper } from "../frame/dom.js";
import { some } from "../frame/service.js";
import { edit, update } from "../frame/state.js";
import { selectField } from "../network/fields.js";
import { t } from "../words/language.js";
import { beside } from "./beside.js";
import { themeOf } from "./colours.js";
import { drawable } from "./drawing.js";
import { heatFigure, MOST } from "./heat.js";
import { sidesOf, sliceOf } from "./matrix.js";
import { proofNote } from "./proven.js";

const KEPT = 12; // arrays that came lately
const came = new Map(); // questions to {array}, {failed}, or null while it comes
const keep = keeper();
let last = null; // the picture that was shown last, {path, figure}

const isMatrix = ({ shape }) => shape.length > 1;

// What can be shown: {path, shape, place} of each array with two axes or more that is drawn here; {links} of the others.
function shownOf(spec, { statistics, plan }) {
  if (drawable(spec)) return [...sources({ ...spec, layout: "keras" })].map(([path, { shape }], place) => ({ path, shape, place })).filter(isMatrix);
  const told = statistics ?? plan;
  const pytorch = told?.layout === "pytorch";
  const named = ({ name }, parameter) => [name, parameter.name].filter(Boolean).join(pytorch ? "." : "/");
  return (told?.layers ?? [])
    .flatMap((layer) => layer.parameters.map((parameter) => ({ ...parameter, path: named(layer, parameter), rowsFirst: pytorch })))
    .filter(isMatrix);
}

// What `read` comes to, asked for once; null until it is here.
function coming(question, read) {
  if (!came.has(question)) {
    came.set(question, null);
    if (came.size > KEPT) came.delete(came.keys().next().value);
    read()
      .then((array) => ({ array }), () => ({ failed: true }))
      .then((found) => update(() => came.set(question, found)));
  }
  return came.get(question);
}

async function fetched(link) {
  return readNpy(new Uint8Array(await some(link)));
}

function arrayOf(spec, { path, shape, place, rowsFirst = false, links }) {
  if (place !== undefined) return coming(JSON.stringify([spec, place]), () => beside("array", { spec, place }));
  if (!links?.npy) return { failed: true };
  const link = `${links.npy}?slice=${sliceOf(shape, path, rowsFirst, MOST)}`;
  return coming(link, () => fetched(link));
}

// While the next picture of the same array comes, the last one stays: a few milliseconds.
function pictureOf(spec, shown, width) {
  const { path, shape, rowsFirst = false } = shown;
  const { array, failed } = arrayOf(spec, shown) ?? {};
  if (array) {
    const about = { width, key: `heat-${path}`, title: t("heat.of", { path }), name: path, rowsFirst, whole: sidesOf(shape, path, rowsFirst) };
    last = { path, figure: keep("heat", [array, width, path, themeOf()], () => heatFigure(array, about)) };
    return last.figure;
  }
  if (!failed && last?.path === path) return last.figure;
  return h("p", { class: "note heat-waiting", role: "status" }, t(failed ? "heat.unavailable" : "heat.coming"));
}

// A section with a choice of the network's arrays and the picture of the one that is chosen; null where there is none.
export function weightsSection({ shared, answers }, width) {
  const found = shownOf(shared.spec, answers.stack);
  if (!found.length) return null;
  const shown = found.find(({ path }) => path === shared.heat) ?? found[0];
  return h(
    "section",
    { class: "card heat", "aria-labelledby": "heat-title" },
    h("h3", { id: "heat-title" }, t("heat.title")),
    h("p", { class: "note" }, t(/embeddings$/.test(shown.path) ? "heat.note.table" : "heat.note")),
    h("div", { class: "fields" }, choice(found, shown)),
    pictureOf(shared.spec, shown, Math.max(260, width - 36)),
    shown.place === undefined ? null : proofNote(shared.spec, shown.place, answers.stack),
  );
}

const choice = (found, shown) =>
  selectField({
    key: "heat-array",
    label: t("heat.layer"),
    value: shown.path,
    options: found.map(({ path }) => [path, path]),
    set: (path) => edit("heat", (state) => (state.heat = path)),
  });
