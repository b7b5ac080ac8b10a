// Sizes by layer: of activations, of gradients, and the slope by which each layer is judged.
import { depthFigure, depthScale, WAYS } from "../charts/pictures.js";
import { h } from "../frame/dom.js";
import { explained } from "../glossary/glossary.js";
import { t } from "../words/language.js";

const GAP = 32;
const WIDE = 680; // a card this wide holds two figures side by side
const FIGURE = 390; // pixels, about, of one with its words

export const sizesHeight = (width) => 120 + FIGURE * (width >= WIDE ? 2 : 3);

// How wide each of two figures in a card may be.
export const halfOf = (width) => (width >= WIDE ? (width - GAP) / 2 : width);

export function sizesSection(diagnosis, width) {
  const judged = "verdict" in diagnosis;
  const figureOf = (way) =>
    depthFigure(diagnosis, way, depthScale([diagnosis], way), { key: way, width: way === "slope" ? width : halfOf(width), title: t(`depth.${way}`), judged });
  return h(
    "section",
    { class: "card depths", "aria-labelledby": "sizes-title" },
    h("h3", { id: "sizes-title" }, t("sizes.title")),
    h("p", { class: "note" }, explained(t("sizes.note"), "sizes")),
    h("div", { class: "pair figures" }, (judged ? WAYS : WAYS.filter((way) => way !== "slope")).map(figureOf)),
  );
}
