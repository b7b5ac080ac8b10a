// What both of Flax's kinds of modules share: which arguments say the initialisers, and what a layer takes.
import { isDefault } from "./laws.js";
import { initialiser } from "./jax.js";
import { raw } from "./python.js";

const RECURRENT = ["simple_rnn", "lstm", "gru"];
export const isRecurrent = ({ type }) => RECURRENT.includes(type);
export const isAttention = ({ type }) => type.endsWith("_attention");

// {argument: initialiser} of what is stated; arrays that are no part of the constructor have no argument.
export function initialisers(made) {
  const found = {};
  for (const parameter of made.parameters) {
    const argument = argumentOf(made, parameter.name);
    if (argument && !(argument in found) && !isDefault(parameter, "flax")) found[argument] = raw(initialiser(parameter));
  }
  // In Flax the projection back follows the others where nothing is said of it; here it has a default of its own.
  const out = made.parameters.find(({ name }) => name === "out/kernel");
  if (isAttention(made) && found.kernel_init && out && isDefault(out, "flax"))
    found.out_kernel_init = raw("jax.nn.initializers.lecun_normal()");
  return found;
}

function argumentOf(made, path) {
  const [part, name] = path.includes("/") ? path.split("/").slice(-2) : ["", path];
  if (isRecurrent(made)) {
    if (name === "bias") return "bias_init";
    return part.startsWith("h") ? "recurrent_kernel_init" : "kernel_init";
  }
  if (isAttention(made) && part === "out") return `out_${name}_init`;
  return { kernel: "kernel_init", bias: "bias_init", embedding: "embedding_init", scale: "scale_init" }[name];
}

export const sizesOf = ({ shape = [] }) => ({ space: shape.slice(0, -2), into: shape.at(-2), out: shape.at(-1) });

// The arguments of a convolution of any kind, beside its numbers of features.
export function convolution({ type, layer }) {
  const { space, into, out } = sizesOf(layer);
  const depthwise = type.startsWith("depthwise");
  const groups = depthwise ? into : layer.groups;
  const strides = Array.isArray(layer.strides) ? layer.strides : layer.strides > 1 ? space.map(() => layer.strides) : undefined;
  return {
    features: depthwise ? into * out : out,
    space,
    into,
    named: { strides, feature_group_count: groups > 1 ? groups : undefined, ...biased(layer) },
  };
}

export const biased = ({ bias }) => ({ use_bias: bias === null ? false : undefined });
