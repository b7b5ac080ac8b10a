// Why each layer has its verdict, as a table.
import { numbers } from "../charts/charts.js";
import { h } from "../frame/dom.js";
import { number, t } from "../words/language.js";
import { isJudged } from "../charts/pictures.js";
import { reasonOf, spoken } from "../words/spoken.js";
import { pill } from "./verdicts.js";

export function reasonsSection({ layers }) {
  return h(
    "section",
    { class: "card reasons", "aria-labelledby": "layers-title" },
    h("h3", { id: "layers-title" }, t("reasons.title")),
    reasonTable(layers, t("reasons.title")),
  );
}

// What comes into norms has a column where there are any.
export function reasonTable(layers, caption) {
  const normed = layers.some(({ input }) => input);
  return numbers({
    caption,
    columns: [
      t("layer"),
      t("reasons.verdict"),
      ...(normed ? [t("reasons.input")] : []),
      t("depth.outputs"),
      t("depth.gradients"),
      t("reasons.distinct"),
      t("reasons.largest"),
      t("reasons.rank"),
    ],
    rows: layers.map((layer) => [
      layer.name,
      h("div", { class: "reason" }, isJudged(layer) ? [layer.verdict, ...layer.also].map(pill) : null, spoken(reasonOf(layer))),
      ...(normed ? [number(layer.input?.rms)] : []),
      number(layer.forward?.rms),
      number(layer.backward?.rms),
      layer.forward?.units ? `${layer.forward.distinct} / ${layer.forward.units}` : "–",
      number(layer.matrix?.largest),
      number(layer.matrix?.stable_rank),
    ]),
  });
}
