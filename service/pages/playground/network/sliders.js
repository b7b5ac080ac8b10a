// Depth, width and activation of all layers at once. The controls are made once: drawn anew, a slider that is being
// dragged would let go.
import { h, replace } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { t } from "../words/language.js";
import { selectField } from "./fields.js";
import { DEEPEST, proportionsOf, withActivation, withDepth, withWidth } from "./proportions.js";
import { layersOf } from "./spec.js";

const STOPS = {
  depth: [...Array(20).keys()].map((each) => each + 1).concat([24, 28, 32, 40, 48, 64, 80, 100, 128, 160, DEEPEST]),
  width: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024],
};
const MOST_BLOCKS = 48;
const WIDEST = 2 ** 16;

const controls = { depth: control("depth"), width: control("width") };
const choice = h("div");
const whole = h("div", { class: "proportions fields", role: "group" }, controls.depth.element, controls.width.element, choice);

// What the sliders began with: from there all they say is made, so that going far and back changes nothing.
let begun = null; // {spec, said: {depth, width, activation}, made}

export function proportionsFields(spec, { activations }) {
  const found = spec.layers && proportionsOf(layersOf(spec));
  if (!found) return null;
  const { kind, depth, width, activation } = found;
  whole.setAttribute("aria-label", t("all.title"));
  const most = kind === "blocks" ? MOST_BLOCKS : DEEPEST;
  controls.depth.show(depth, t(kind === "blocks" ? "all.blocks" : "all.depth"), STOPS.depth.filter((stop) => stop <= most));
  controls.width.show(width, t(`all.width.${kind}`), STOPS.width);
  replace(choice, activation === undefined ? null : activationField(activation, activations));
  return whole;
}

function activationField(activation, activations) {
  const names = activations.map(({ name }) => [name, name]);
  const known = activation === null || names.some(([name]) => name === activation);
  return selectField({
    key: "all/activation",
    label: t("all.activation"),
    value: activation ?? "",
    options: [...(activation === null ? [["", t("schemes.mixed")]] : known ? [] : [[activation, activation]]), ...names],
    set: (name) => name && say("activation", name),
  });
}

function control(name) {
  let stops = [];
  const range = h("input", { type: "range", id: `all-${name}`, min: 0, step: 1, "data-key": `all/${name}` });
  const box = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", class: "exact", "data-key": `all/${name}/exact` });
  const label = h("label", { for: range.id });
  const error = h("p", { class: "error", id: `all-${name}-error`, hidden: true });
  box.setAttribute("aria-describedby", error.id);
  range.addEventListener("input", () => say(name, stops[Number(range.value)]));
  box.addEventListener("input", () => {
    const value = Number(box.value.trim());
    const most = name === "depth" ? stops.at(-1) : WIDEST;
    if (Number.isInteger(value) && value >= 1 && value <= most) return say(name, value);
    box.setAttribute("aria-invalid", "true");
    error.textContent = t("all.range", { most });
    error.hidden = false;
  });
  const element = h("div", { class: "field slider" }, label, box, range, error);
  const show = (value, words, offered) => {
    element.hidden = value === undefined;
    if (element.hidden) return;
    stops = offered;
    range.max = `${stops.length - 1}`;
    label.textContent = words;
    box.setAttribute("aria-label", t("all.exact", { what: words }));
    range.value = `${value === null ? 0 : nearest(stops, value)}`;
    range.setAttribute("aria-valuetext", value === null ? t("schemes.mixed") : `${value}`);
    box.placeholder = value === null ? t("all.mixed") : "";
    if (document.activeElement === box && Number(box.value) !== value && box.hasAttribute("aria-invalid")) return;
    box.removeAttribute("aria-invalid");
    error.hidden = true;
    if (document.activeElement === box && Number(box.value) === value) return;
    box.value = value === null ? "" : `${value}`;
  };
  return { element, show };
}

const nearest = (stops, value) => stops.reduce((best, stop, index) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? index : best), 0);

const WAYS = { width: withWidth, activation: withActivation, depth: withDepth };

function say(name, value) {
  edit(`all ${name}`, (shared) => {
    if (begun?.made !== shared.spec) begun = { spec: shared.spec, said: {} };
    begun.said[name] = value;
    const said = Object.entries(WAYS).filter(([way]) => way in begun.said);
    const layers = said.reduce((made, [way, make]) => make(made, begun.said[way]), begun.spec.layers);
    shared.spec = begun.made = { ...begun.spec, layers };
  });
}
