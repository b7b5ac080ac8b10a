// What is known of a layer that a recipe states: read, not changed.
import { h } from "../frame/dom.js";
import { t } from "../words/language.js";
import { show } from "./members.js";
import { describeScheme } from "./spec.js";

const TOLD = new Set(["name", "type"]);

export function factsOf({ layers, names, sources, outputs }, index) {
  const layer = layers[index];
  const rows = [
    [t("field.type"), t(`layer.${layer.type}`)],
    [t("field.inputs"), sources[index].map((place) => (place === null ? t("drawn.input") : names[place])).join(", ") || "–"],
    ...(outputs?.[index] ? [[t("drawn.gives"), outputs[index].map((shape) => shape.join(" × ")).join(", ")]] : []),
    ...Object.entries(layer)
      .filter(([name]) => !TOLD.has(name) && name !== "inputs")
      .map(([name, value]) => [t(`field.${name}`), name.endsWith("scheme") || name === "bias" ? describeScheme(value) : show(value)]),
  ];
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, `${value}`)]));
}
