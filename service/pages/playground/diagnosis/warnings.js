// What is worth knowing of the weights, each with a change that mends it.
import { focusOn, h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit } from "../frame/state.js";
import { describeScheme, layersOf, nameOf } from "../network/spec.js";
import { t } from "../words/language.js";
import { spoken, warningText } from "../words/spoken.js";

export function warningsSection(found, spec) {
  if (!found.length) return null;
  const rows = new Map();
  for (const warning of found) {
    const text = JSON.stringify([warning.code, warning.detail, warning.try]);
    if (!rows.has(text)) rows.set(text, { warning, layers: [] });
    rows.get(text).layers.push(Number(/^\/layers\/(\d+)/.exec(warning.pointer)?.[1] ?? -1));
  }
  return h(
    "section",
    { class: "card warnings", "aria-labelledby": "warnings-title" },
    h("h3", { id: "warnings-title" }, icon("wrong"), t("warnings.title")),
    h(
      "ul",
      {},
      [...rows.values()].map(({ warning, layers }) =>
        warningRow(
          warning,
          layers.filter((index) => index in layersOf(spec)),
          spec,
        ),
      ),
    ),
  );
}

function warningRow(warning, layers, spec) {
  const names = [...new Set(layers)].map((index) => nameOf(layersOf(spec), index));
  const change = Object.entries(warning.try ?? {})
    .map(([field, value]) => `${t(`field.${field}`)}: ${describeScheme(value)}`)
    .join(", ");
  return h(
    "li",
    {},
    h(
      "span",
      {},
      names.length
        ? h("strong", {}, `${names.length > 3 ? `${names[0]} … ${names.at(-1)}` : names.join(", ")}: `)
        : null,
      spoken(warningText(warning)),
    ),
    change && layers.length
      ? h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `warning-${warning.code}-${layers[0]}`,
            onclick: () => applyTo(layers, warning.try),
          },
          t("warnings.use", { change }),
        )
      : null,
  );
}

function applyTo(indices, change) {
  edit("warning", (shared) => {
    const layers = structuredClone(shared.spec.layers);
    for (const index of indices) Object.assign(layers[index], change);
    shared.spec = { ...shared.spec, layers };
  });
  focusOn("verdict");
}
