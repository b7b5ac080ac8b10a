// How what goes through the network is spread: activations beside gradients, a ridge a layer or a block.
import { edit } from "../frame/state.js";
import { h } from "../frame/dom.js";
import { explained } from "../glossary/glossary.js";
import { sections } from "../network/graph.js";
import { selectField } from "../network/fields.js";
import { t } from "../words/language.js";
import { between, hasBlocks } from "./blocks.js";
import { ridgeFigure, ridgeFigureHeight } from "./ridges.js";
import { halfOf } from "./sizes.js";

const WAYS = ["forward", "backward"];
const AXES = ["auto", "linear", "magnitude"];

export function spreadsHeight(diagnosis, width) {
  const heights = WAYS.map((way) => ridgeFigureHeight(seen(diagnosis), way));
  return 130 + (halfOf(width) < width ? Math.max(...heights) : heights[0] + heights[1]);
}

export function spreadsSection(diagnosis, axis, width) {
  const layers = seen(diagnosis);
  if (!layers.some(({ forward, backward }) => forward?.distribution || backward?.distribution)) return null;
  return h(
    "section",
    { class: "card spreads", "aria-labelledby": "spreads-title" },
    h("h3", { id: "spreads-title" }, t("ridges.title")),
    h("p", { class: "note" }, explained(t(hasBlocks(diagnosis) ? "ridges.note.blocks" : "ridges.note"), "spreads")),
    h("div", { class: "fields" }, axisField(axis)),
    h("div", { class: "pair figures" }, WAYS.map((way) => ridgeFigure(layers, way, { ...about(way, axis, width), judged: "verdict" in diagnosis }))),
  );
}

const about = (way, axis, width) => ({ key: `ridges-${way}`, title: t(`ridges.${way}`), axis: axis === "auto" ? undefined : axis, width: halfOf(width) });

const axisField = (axis) =>
  selectField({
    key: "ridges/axis",
    label: t("ridges.axis"),
    value: axis,
    options: AXES.map((each) => [each, t(`ridges.axis.${each}`)]),
    set: (chosen) => edit("axis", (shared) => (shared.ridges = { ...shared.ridges, scale: chosen })),
  });

// Of a network of blocks what leaves each of them and what lies between, else every layer.
function seen(diagnosis) {
  if (!hasBlocks(diagnosis)) return diagnosis.layers;
  return sections(diagnosis).map(({ block, layers }) => ({
    ...layers.at(-1),
    ...(block ? { label: block.name, verdict: block.verdict, code: "block" } : { label: between(layers) }),
  }));
}
