// The weights of one array of the network in view, as a heat map: drawn here, or fetched where this browser leaves it
// to the service.
import "./words.js";
import { readNpy } from "../initserve.js";
import { h, keeper } from "../frame/dom.js";
import { edit, update } from "../frame/state.js";
import { selectField } from "../network/fields.js";
import { t } from "../words/language.js";
import { arrays, drawable } from "./drawing.js";
import { heatFigure, MOST } from "./heat.js";
import { sidesOf, sliceOf } from "./matrix.js";

const KEPT = 12; // parts that were fetched lately
const fetched = new Map(); // addresses to {array}, {failed}, or null while it comes

const keep = keeper();

// What can be shown: {path, shape, array} of each array with two axes or more that is drawn here; {links} of the others.
function shownOf(spec, { statistics, plan }) {
  if (drawable(spec)) return [...arrays(spec)].map(([path, array]) => ({ path, shape: array.shape, array })).filter(isMatrix);
  const told = statistics ?? plan;
  const pytorch = told?.layout === "pytorch";
  const named = ({ name }, parameter) => [name, parameter.name].filter(Boolean).join(pytorch ? "." : "/");
  return (told?.layers ?? [])
    .flatMap((layer) => layer.parameters.map((parameter) => ({ ...parameter, path: named(layer, parameter), rowsFirst: pytorch })))
    .filter(isMatrix);
}

const isMatrix = ({ shape }) => shape.length > 1;

// The array at an address; null until it is here.
function fetchedFrom(link) {
  if (!fetched.has(link)) {
    fetched.set(link, null);
    if (fetched.size > KEPT) fetched.delete(fetched.keys().next().value);
    const read = async () => {
      const answer = await fetch(new URL(`.${link}`, document.baseURI));
      if (!answer.ok) throw new Error(`${answer.status}`);
      return { array: readNpy(new Uint8Array(await answer.arrayBuffer())) };
    };
    read()
      .catch(() => ({ failed: true }))
      .then((found) => update(() => fetched.set(link, found)));
  }
  return fetched.get(link);
}

function pictureOf({ path, shape, array, rowsFirst = false, links }, width) {
  const about = { width, key: `heat-${path}`, title: t("heat.of", { path }), name: path, rowsFirst };
  const drawn = (each, whole) => keep("heat", [each, width, path], () => heatFigure(each, { ...about, whole }));
  if (array) return drawn(array);
  const found = links?.npy ? fetchedFrom(`${links.npy}?slice=${sliceOf(shape, path, rowsFirst, MOST)}`) : { failed: true };
  if (found?.array) return drawn(found.array, sidesOf(shape, path, rowsFirst));
  return h("p", { class: "note heat-waiting", role: "status" }, t(found?.failed ? "heat.unavailable" : "heat.coming"));
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
    h(
      "div",
      { class: "fields" },
      selectField({
        key: "heat-array",
        label: t("heat.layer"),
        value: shown.path,
        options: found.map(({ path }) => [path, path]),
        set: (path) => edit("heat", (state) => (state.heat = path)),
      }),
    ),
    pictureOf(shown, Math.max(260, width - 36)),
  );
}
