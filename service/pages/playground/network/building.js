// The network's parts in three ways: layers as a list, drawn as a graph, the spec as text.
import { h, replace } from "../frame/dom.js";
import { edit, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { specText } from "./json.js";
import { layersList } from "./layers.js";

const WAYS = ["layers", "drawn", "text"];
// What not everybody looks at comes when it is first shown.
const LATER = { drawn: () => import("./drawn.js"), listing: () => import("./listing.js") };
const here = {};
export const wide = () => matchMedia("(min-width: 60rem)").matches;

// All of it is made once: what is kept open, scrolled or typed in stays as it is.
const summary = h("summary", { "data-key": "layers-summary" });
const bar = h("div", { class: "building-bar" });
const content = h("div", { class: "building-content", id: "building-content" });
const whole = h("details", { class: "layers", "data-key": "layers", open: wide() }, summary, bar, content);

export function building(spec, answer, catalogue, { open, way }) {
  const offered = spec.layers ? WAYS : spec.tensors ? ["layers", "text"] : ["drawn", "text"];
  const shown = offered.includes(way) ? way : offered[0];
  summary.textContent = titleOf(spec);
  replace(bar, h("div", { class: "part-ways", role: "group", "aria-label": t("way.title") }, offered.map((each) => wayButton(each, each === shown, spec))));
  const parts = {
    layers: () => (spec.tensors ? later("listing")?.tensorsList(spec, answer) : layersList(spec, answer, catalogue, open)),
    drawn: () => later("drawn")?.drawnNetwork(spec, answer, catalogue, open),
    text: () => [specText(spec, answer.problems)],
  };
  document.getElementById("stack").dataset.way = shown;
  replace(content, parts[shown]() ?? []);
  return whole;
}

function later(name) {
  here[name] ??= LATER[name]().then((module) => update(() => (here[name] = module)));
  return here[name] instanceof Promise ? null : here[name];
}

function titleOf({ layers, tensors, recipe }) {
  if (layers) return t("stack.layers", { count: layers.length });
  return tensors ? t("stack.tensors", { count: Object.keys(tensors).length }) : t("stack.recipe", { recipe });
}

const wayButton = (way, pressed, { tensors }) =>
  h(
    "button",
    { type: "button", class: "part-way", "data-key": `way-${way}`, "aria-pressed": `${pressed}`, "aria-controls": content.id, onclick: () => edit("way", (shared) => (shared.building = way)) },
    t(way === "layers" && tensors ? "way.tensors" : `way.${way}`),
  );
