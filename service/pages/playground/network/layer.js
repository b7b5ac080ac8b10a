// The fields of one layer: its name and type, what it takes, its sizes and starts, and what else its type has.
import { change } from "./changes.js";
import { h } from "../frame/dom.js";
import { AUTO, schemeFields, selectField, textField } from "./fields.js";
import { joining } from "./joining.js";
import { t } from "../words/language.js";
import { entryOf, examplesOf, inputsField, memberField, sizesOf } from "./members.js";
import { followsAnother, freshLayer, LAYER_TYPES, putScheme, shapeOf, typeOf } from "./spec.js";
import { isWeightless, namesOf, rename, WEIGHTLESS_TYPES } from "./structure.js";

const EDITED = new Set(["name", "type", "inputs", "shape", "activation", "scheme", "bias", "gain"]);
const SELDOM = new Set(["seed", "dtype"]); // what a layer may have of its own, and a spec for all

export function layerFields(layer, index, spec, { problems }, catalogue, before) {
  const { schemes, activations } = catalogue;
  const at = (member) => `/layers/${index}/${member}`;
  const put = (layer, member, value) => {
    if (value === undefined) delete layer[member];
    else layer[member] = value;
  };
  const set = (member) => (value) => change(at(member), (layers) => put(layers[index], member, value));
  const setStart = (member) => (value) => change(at(member), (layers) => putScheme(layers[index], value, member));
  const type = typeOf(layer);
  const weightless = isWeightless(layer) || layer.type === "dropout";
  return h(
    "div",
    { class: "layer-fields" },
    textField({
      key: at("name"),
      label: t("field.name"),
      value: layer.name ?? "",
      problems,
      numeric: false,
      set: (value) => change(at("name"), (layers) => {
        rename(layers, namesOf(layers)[index], value);
        layers[index].name = value;
      }),
    }),
    selectField({
      key: at("type"),
      label: t("field.type"),
      value: layer.type,
      options: typeOptions(layer.type, catalogue),
      set: (name) =>
        change(at("type"), (layers) => {
          const { inputs } = layer;
          const fresh = freshLayer(name, layers.slice(0, index), examplesOf(catalogue));
          layers[index] = { ...fresh, name: layer.name, ...(inputs && { inputs }) };
        }),
    }),
    inputsField({ key: at("inputs"), value: layer.inputs, before, problems, set: set("inputs") }),
    sizeFields(layer, index, spec, problems, catalogue),
    weightless && layer.type !== "activation"
      ? null
      : selectField({
          key: at("activation"),
          label: t("field.activation"),
          value: layer.activation ?? type.activation ?? "linear",
          options: activations.map(({ name }) => [name, name]),
          problems,
          set: set("activation"),
        }),
    weightless
      ? null
      : schemeFields({
          key: at("scheme"),
          label: t("field.scheme"),
          value: layer.scheme ?? "auto",
          schemes,
          problems,
          extra: [AUTO()],
          set: setStart("scheme"),
        }),
    type.bias
      ? schemeFields({
          key: at("bias"),
          label: t("field.bias"),
          value: layer.bias,
          schemes,
          problems,
          extra: biasChoices(),
          set: setStart("bias"),
        })
      : null,
    layer.gain === undefined ? null : textField({ key: at("gain"), label: t("field.gain"), value: layer.gain, problems, set: set("gain") }),
    membersOf(layer, catalogue).map((parameter) =>
      memberField({
        key: at(parameter.name),
        parameter,
        value: layer[parameter.name],
        problems,
        set: set(parameter.name),
      }),
    ),
    further(layer, catalogue),
    joining(spec.layers, index, index),
  );
}

// The sizes of a layer's shape, a field each; of a reshaping one, and where there is none, a field for all.
function sizeFields(layer, index, spec, problems, catalogue) {
  const at = `/layers/${index}/shape`;
  if (isWeightless(layer)) return null; // a member of the few that have one
  const names = typeOf(layer).sizes.length ? typeOf(layer).sizes : sizesOf(catalogue, layer.type);
  return shapeOf(layer).map((size, place) => {
    const disabled = place === typeOf(layer).reads && followsAnother(spec.layers, index);
    const label = t(`size.${names[place] ?? place}`);
    return textField({
      key: `${at}/${place}`,
      label: disabled ? h("span", {}, label, h("span", { class: "unseen" }, ` (${t("stack.follows")})`)) : label,
      value: size,
      problems,
      disabled,
      set: (value) => change(`${at}/${place}`, (layers) => (layers[index].shape[place] = value)),
    });
  });
}

// What a type has beside what all have, by the catalogue.
function membersOf(layer, catalogue) {
  const parameters = entryOf(catalogue, layer.type)?.parameters ?? [];
  return parameters.filter(
    ({ name }) =>
      !SELDOM.has(name) && (!EDITED.has(name) || (name === "shape" && isWeightless(layer))) && (!name.endsWith("scheme") || layer[name] !== undefined),
  );
}

const TYPES = Object.keys(LAYER_TYPES);

// The types that this page draws itself first, then those without weights, then all others.
export function typeOptions(type, { layers }) {
  const option = (name) => [name, t(`layer.${name}`)];
  const others = layers.map(({ name }) => name).filter((name) => !TYPES.includes(name) && !WEIGHTLESS_TYPES.includes(name));
  const all = [...TYPES, ...WEIGHTLESS_TYPES, ...others];
  return [
    ...(type && !all.includes(type) ? [option(type)] : []),
    { group: t("types.usual"), options: TYPES.map(option) },
    { group: t("types.weightless"), options: WEIGHTLESS_TYPES.map(option) },
    ...(others.length ? [{ group: t("types.others"), options: others.map(option) }] : []),
  ];
}

const biasChoices = () => [
  { name: "default", value: undefined, text: t("bias.default") },
  { name: "none", value: null, text: t("bias.none") },
];

// Members that a link or a `try` brought and that this page has no field for.
function further(layer, catalogue) {
  const shown = new Set([...EDITED, ...membersOf(layer, catalogue).map(({ name }) => name)]);
  const others = Object.entries(layer).filter(([name]) => !shown.has(name));
  return others.length
    ? h(
        "p",
        { class: "note" },
        t("stack.further"),
        " ",
        h("code", {}, others.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ")),
      )
    : null;
}
