// Keras's lines: the layers up to the one in view, built one after the other, each with the initialisers that are stated.
import { isDefault, lawOf } from "./laws.js";
import { call, decimal, raw, tuple, variables } from "./python.js";
import { Unwritten } from "./unwritten.js";

const LAYERS = "keras.layers";
const INITIALIZERS = "keras.initializers";
const CELLS = { simple_rnn: "SimpleRNN", lstm: "LSTM", gru: "GRU" };
const ATTRIBUTES = ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings", "depthwise_kernel",
  "pointwise_kernel", "alpha", "scale"]; // prettier-ignore
const ARGUMENTS = {
  depthwise_kernel: "depthwise_initializer",
  pointwise_kernel: "pointwise_initializer",
  recurrent_kernel: "recurrent_initializer",
  ...Object.fromEntries(
    ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings", "alpha"].map((name) => [name, `${name}_initializer`]),
  ),
};

export const backendOf = (algorithm) => /^keras-(\w+)\//.exec(algorithm)[1];

// An initialiser as a constructor takes it: a name, or an object with its numbers.
export function kerasInitialiser({ scheme }) {
  const of = (name, named) =>
    raw(call(`${INITIALIZERS}.${name}`, [], Object.fromEntries(Object.entries(named).map(([key, value]) => [key, typeof value === "number" ? decimal(value) : value]))));
  const { mean, stddev, minval, maxval, scale, mode, distribution, value, gain } = scheme;
  const law = lawOf(scheme);
  switch (law.kind) {
    case "constant":
      return value === 0 ? "zeros" : value === 1 ? "ones" : of("Constant", { value });
    case "normal":
      return of("RandomNormal", { mean, stddev });
    case "uniform":
      return of("RandomUniform", { minval, maxval });
    case "truncated":
      return of("TruncatedNormal", { mean, stddev });
    case "scaled":
      return law.named ?? of("VarianceScaling", { scale, mode, distribution });
    case "identity":
      return of("Identity", { gain });
    case "orthogonal":
      return of("Orthogonal", { gain });
  }
  throw new Unwritten("lines.scheme", { scheme: scheme.name });
}

function initialisers({ type, parameters }) {
  const found = {};
  for (const parameter of parameters) {
    const name = parameter.name.split("/").at(-1);
    if (!(name in ARGUMENTS) || ARGUMENTS[name] in found || isDefault(parameter, "keras")) continue;
    if (parameter.scheme.name === "unit_forget_bias") continue; // which is what LSTM does
    found[ARGUMENTS[name]] = kerasInitialiser(parameter);
    if (type === "lstm" && name === "bias") found.unit_forget_bias = false;
  }
  return found;
}

// [constructor, the shape that it is built with], one for each layer that Keras has of it.
export function kerasLayers(made, more) {
  const { type, layer } = made;
  const { shape = [] } = layer;
  const [space, into, out] = [shape.slice(0, -2), shape.at(-2), shape.at(-1)];
  const field = space.length === 1 ? space[0] : space;
  const inits = initialisers(made);
  const bias = { use_bias: layer.bias === null ? false : undefined };
  const one = (name, positional, named, ...built) => [[call(`${LAYERS}.${name}`, positional, { ...named, ...inits, ...more }), ...built]];
  if (type in CELLS) return recurrent(made, inits, bias, more);
  if (/conv\dd/.test(type)) {
    const name = {
      d: `DepthwiseConv${space.length}D`,
      s: `SeparableConv${space.length}D`,
      c: `Conv${space.length}D${type.endsWith("transpose") ? "Transpose" : ""}`,
    }[type[0]];
    const multiplier = { d: out, s: layer.depth_multiplier }[type[0]];
    const positional = type.startsWith("depthwise") ? [field] : [out, field];
    const named = { strides: strides(layer), groups: layer.groups > 1 ? layer.groups : undefined, depth_multiplier: multiplier > 1 ? multiplier : undefined };
    return one(name, positional, { ...named, ...bias }, [null, ...space.map((size) => Math.max(size, 8)), into]);
  }
  const centre = { center: layer.bias === null ? false : undefined };
  const several = shape.length > 1 ? { axis: raw(`[${shape.map((_, axis) => axis - shape.length).join(", ")}]`) } : {};
  const rest = {
    dense: () => one("Dense", [out], { ...bias, lora_rank: layer.lora_rank ?? undefined }, [null, into]),
    embedding: () => one("Embedding", shape, {}, [null, 1]),
    multi_head_attention: () =>
      one("MultiHeadAttention", shape.slice(1), bias, ...attended(layer)),
    grouped_query_attention: () =>
      one("GroupQueryAttention", [shape[2], shape[1], layer.kv_heads], bias, ...attended(layer)),
    einsum_dense: () => einsum(layer, one),
    batch_norm: () => one("BatchNormalization", [], centre, [null, ...shape]),
    layer_norm: () => one("LayerNormalization", [], { ...centre, ...several }, [null, ...shape]),
    group_norm: () => one("GroupNormalization", [layer.num_groups ?? 1], centre, [null, ...shape]),
    instance_norm: () => one("GroupNormalization", [-1], centre, [null, ...shape]),
    rms_norm: () => one("RMSNormalization", [], several, [null, ...shape]),
    prelu: () => one("PReLU", [], { shared_axes: layer.shared_axes?.length ? raw(`[${layer.shared_axes.join(", ")}]`) : undefined }, [null, ...shape]),
    dropout: () => [[call(`${LAYERS}.Dropout`, [raw("0.5")])]],
  }[type];
  if (!rest) throw new Unwritten("lines.layer", { type });
  return rest();
}

const strides = ({ strides: given }) => (Array.isArray(given) || given > 1 ? given : undefined);

function attended({ shape: [width], key_width: keys, value_width: values }) {
  return [width, values ?? width, keys ?? width].map((size) => [null, null, size]);
}

function recurrent({ type, layer }, inits, bias, more) {
  const { shape: [first, units], num_layers: count = 1, bidirectional } = layer;
  return Array.from({ length: count }, (_, number) => {
    const cell = call(`${LAYERS}.${CELLS[type]}`, [units], { ...bias, ...inits, ...more });
    const into = number ? units * (bidirectional ? 2 : 1) : first;
    return [bidirectional ? call(`${LAYERS}.Bidirectional`, [raw(cell)]) : cell, [null, 2, into]];
  });
}

function einsum({ equation, shape, bias_axes: axes }, one) {
  const [inputs, kernel, outputs] = equation.replaceAll(" ", "").replaceAll("...", "0").replace("->", ",").split(",");
  const sizes = Object.fromEntries([...kernel].map((axis, index) => [axis, shape[index]]));
  const sized = (letters) => [...letters].slice(1).map((axis) => sizes[axis] ?? null);
  const given = [...inputs].slice(1).map((axis) => sizes[axis] ?? 1);
  return one("EinsumDense", [equation, raw(`[${sized(outputs).map((size) => size ?? "None").join(", ")}]`)], { bias_axes: axes ?? undefined }, [null, ...given]);
}

const built = ([first, ...others]) => (others.length ? [first, ...others] : [first]);

// The variable that holds an array: by its attribute where it has one, by its place among the layer's weights elsewhere.
function target(names, { type, layer, parameters }, at) {
  const { name } = parameters[at];
  const count = names.length;
  const each = parameters.length / count;
  const owner = names[Math.floor(at / each)];
  const last = name.split("/").at(-1);
  if (ATTRIBUTES.includes(name)) return `${owner}.${name}`;
  if (type in CELLS && !layer.bidirectional) return `${owner}.cell.${last}`;
  return `${owner}.weights[${at % each}]`;
}

export function kerasLines({ algorithm, seed, dtype, layers }, at) {
  const before = layers.slice(0, at.layer + 1);
  if (before.some(({ layer }) => layer.seed !== undefined && layer.seed !== null)) throw new Unwritten("lines.own-seed");
  const names = variables(before.map(({ name }) => name), ["keras", "os"]);
  const more = dtype === "float32" ? {} : { dtype };
  const lines = [];
  let last = [];
  before.forEach((made, index) => {
    if (made.type === "tensor") {
      last = [names[index]];
      lines.push(tensor(names[index], made.parameters[0], dtype));
      return;
    }
    const parts = kerasLayers(made, more);
    last = parts.map((_, part) => (parts.length > 1 ? `${names[index]}_${part}` : names[index]));
    parts.forEach(([constructor, ...shapes], part) => {
      lines.push(`${last[part]} = ${constructor}`);
      if (shapes.length) lines.push(`${last[part]}.build(${built(shapes).map((shape) => tuple(shape.map((size) => size ?? "None"))).join(", ")})`);
    });
  });
  const made = layers[at.layer];
  const wanted = made.type === "tensor" ? last[0] : target(last, made, at.parameter);
  const value = dtype === "bfloat16" ? `keras.ops.cast(${wanted}, "float32")` : wanted;
  return [
    "import os",
    "",
    `os.environ["KERAS_BACKEND"] = "${backendOf(algorithm)}"`,
    "import keras",
    "",
    `keras.utils.set_random_seed(${seed})`,
    ...lines,
    `print(keras.ops.convert_to_numpy(${value}).flatten()[:5].tolist())`,
  ];
}

function tensor(variable, parameter, dtype) {
  const made = kerasInitialiser(parameter);
  const initializer = typeof made === "string" ? call(`${INITIALIZERS}.get`, [made]) : made.raw;
  return `${variable} = ${initializer}(${tuple(parameter.shape)}, dtype="${dtype}")`;
}
