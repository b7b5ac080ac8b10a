// One layer in the list: its name, sizes, start and verdict, the buttons that move it, its fields once it is open.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { mark } from "../diagnosis/verdicts.js";
import { move, moveByKey, remove } from "./moving.js";
import { show } from "./members.js";
import { schemeName, shapeOf, typeOf } from "./spec.js";
import { isWeightless } from "./structure.js";

// `about` has all that the row shows and that the layer alone does not tell.
export function row(layer, index, about, { fields, said }) {
  const { name, error, open, count, line, depth } = about;
  return h(
    "li",
    {
      class: `layer${open ? " open" : ""}${error ? " wrong" : ""}${isWeightless(layer) ? " weightless" : ""}`,
      style: depth ? `--depth: ${depth}` : null,
    },
    h(
      "div",
      { class: "layer-line" },
      h(
        "button",
        {
          type: "button",
          class: "layer-toggle",
          "data-key": `layer-${name}`,
          "aria-expanded": `${open}`,
          onclick: () => update(() => Object.assign(state, { open: open ? null : index, until: null })),
          onkeydown: (event) => moveByKey(event, index, name),
        },
        h("span", { class: "layer-mark" }),
        h("span", { class: "layer-name" }, name),
        h("span", { class: "layer-shape" }, `${t(`layer.${layer.type}`)} ${describeShape(layer)}`),
        h("span", { class: "layer-start" }, line),
      ),
      tools(index, count, name),
    ),
    open ? fields() : null,
    error && !open ? h("p", { class: "error" }, said()) : null,
  );
}

// Puts a verdict into a row that stays, and says it.
export function putMark(element, verdict, error) {
  const slot = element.querySelector(".layer-mark");
  const said = `${error ? "error" : verdict} ${document.documentElement.lang}`;
  if (slot.dataset.said === said) return;
  slot.dataset.said = said;
  const words = error ? t("stack.wrong") : verdict ? t(`verdict.${verdict}`) : "";
  slot.replaceChildren(...[error ? icon("wrong") : verdict ? mark(verdict) : null, words && h("span", { class: "unseen" }, words)].filter(Boolean));
}

// What a layer takes, where it is not the one before, its activation and how it starts.
export function lineOf(layer, made, text) {
  const taken = Array.isArray(layer.inputs) ? `← ${layer.inputs.join(", ") || "∅"}` : null;
  const activation = layer.activation ?? typeOf(layer).activation;
  return [taken, activation, isWeightless(layer) ? null : startOf(layer, made, text)].filter(Boolean).join(" · ");
}

export function describeShape(layer) {
  const shape = shapeOf(layer);
  if (layer.type === "conv2d") return `${shape[0]}×${shape[1]}, ${shape[2]} → ${shape[3]}`;
  if (layer.type === "multi_head_attention") return `${shape[0]}, ${shape[1]} × ${shape[2]}`;
  if (layer.window !== undefined) return show(layer.window);
  return shape.join(" → ");
}

const starts = new Map(); // what `auto` came to, by the layer's text: an answer told it

function startOf(layer, made, text) {
  if (!typeOf(layer).weights && layer.type !== "embedding") return null;
  if (made?.type === layer.type) starts.set(text, made.parameters.length ? schemeName(made.parameters[0].scheme) : null);
  return starts.has(text) ? starts.get(text) : schemeName(layer.scheme);
}

function tools(index, count, name) {
  const button = (action, disabled, act) =>
    h(
      "button",
      {
        type: "button",
        class: "tool",
        "data-key": `${action}-${name}`,
        "aria-label": t(`stack.${action}`, { name }),
        title: t(`stack.${action}`, { name }),
        disabled,
        onclick: act,
      },
      icon(action),
    );
  return h(
    "span",
    { class: "layer-tools" },
    button("up", index === 0, () => move(index, index - 1, `up-${name}`)),
    button("down", index === count - 1, () => move(index, index + 1, `down-${name}`)),
    button("remove", count === 1, () => remove(index)),
  );
}
