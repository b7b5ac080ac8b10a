// Flax nnx's lines: the layers up to the one in view, built one after the other from the same nnx.Rngs.
import { biased, convolution, initialisers, isRecurrent, sizesOf } from "./flax.js";
import { initialiser, kindOf, shown } from "./jax.js";
import { call, isReserved, raw, tuple, variables } from "./python.js";
import { Unwritten } from "./unwritten.js";

const CELLS = { simple_rnn: "SimpleCell", lstm: "LSTMCell", gru: "GRUCell" };

// {suffix: expression} of a layer; `more` has its dtype and its rngs.
export function nnxModules(made, { param_dtype: dtype, rngs }) {
  const { type, layer } = made;
  const { shape = [] } = layer;
  const { into, out } = sizesOf(layer);
  const more = { param_dtype: dtype, rngs };
  const inits = initialisers(made);
  const one = (name, positional, named = {}) => ({ "": call(`nnx.${name}`, positional, { ...named, ...inits, ...more }) });
  if (type.startsWith("separable")) return separable(made, more);
  if (/conv\dd/.test(type)) {
    const { features, space, into: channels, named } = convolution(made);
    return one(type.endsWith("transpose") ? "ConvTranspose" : "Conv", [channels, features, space], named);
  }
  if (isRecurrent(made)) return recurrent(made, one);
  if (type.endsWith("_norm") && shape.length > 1) throw new Unwritten("lines.layer", { type: `${type} [${shape}]` });
  const rest = {
    dense: () => (layer.lora_rank ? lora(layer, inits, more) : one("Linear", shape, biased(layer))),
    transformers_conv1d: () => one("Linear", shape),
    embedding: () => one("Embed", shape),
    multi_head_attention: () => one("MultiHeadAttention", [shape[1], shape[0], shape[1] * shape[2]], attention(layer)),
    grouped_query_attention: () =>
      one("MultiHeadAttention", [shape[1], shape[0], shape[1] * shape[2]], { num_kv_heads: layer.kv_heads, ...attention(layer) }),
    einsum_dense: () => one("Einsum", [layer.equation, shape, raw(biasShape(made))]),
    batch_norm: () => one("BatchNorm", shape),
    layer_norm: () => one("LayerNorm", shape, biased(layer)),
    rms_norm: () => one("RMSNorm", shape),
    group_norm: () => one("GroupNorm", shape, { num_groups: layer.num_groups ?? 1 }),
    instance_norm: () => one("InstanceNorm", shape),
    prelu: () => ({ "": call("nnx.PReLU", [], { param_dtype: dtype }) }),
    dropout: () => ({ "": call("nnx.Dropout", [raw("0.5")], { rngs }) }),
  }[type];
  if (!rest) throw new Unwritten("lines.layer", { type });
  return rest();

  function recurrent({ type: kind, layer: { num_layers: count = 1, bidirectional } }) {
    if (count > 1) throw new Unwritten("lines.stacked", { type: kind });
    const cell = one(CELLS[kind], [into, out]);
    const way = raw(call("nnx.RNN", [raw(cell[""])]));
    return bidirectional ? { "": call("nnx.Bidirectional", [way, way]) } : cell;
  }
}

const attention = (layer) => ({ in_kv_features: layer.key_width ?? layer.value_width ?? undefined, decode: false, ...biased(layer) });

function biasShape({ parameters }) {
  const bias = parameters.find(({ name }) => name === "bias");
  return bias ? tuple(bias.shape) : "None";
}

function lora({ shape, lora_rank: rank, ...layer }, inits, more) {
  const named = { lora_rank: rank, ...biased(layer), ...inits, ...more, lora_param_dtype: more.param_dtype };
  return { "": call("nnx.LoRALinear", shape, named) };
}

function separable(made, more) {
  const { space, into, out } = sizesOf(made.layer);
  const middle = into * (made.layer.depth_multiplier ?? 1);
  const part = (name) => initialisers({ ...made, parameters: made.parameters.filter((each) => each.name.startsWith(name)) });
  return {
    depthwise: call("nnx.Conv", [into, middle, space], { feature_group_count: into, use_bias: false, ...part("depthwise"), ...more }),
    pointwise: call("nnx.Conv", [middle, out, space.map(() => 1)], { ...biased(made.layer), ...part("pointwise"), ...more }),
  };
}

// The array in its module; GRU's gates stand side by side in nnx.
export function target(variable, { type, layer }, { name }) {
  const parts = name.startsWith("lora_") ? ["lora", name] : name.split("/");
  if (type === "gru" && !layer.bidirectional) return ofGru(variable, layer, parts);
  const [first, ...rest] = type.startsWith("separable") ? [`${variable}_${parts[0]}`, ...parts.slice(1)] : [variable, ...parts];
  const simple = type === "simple_rnn";
  return `${rest.map((part) => (simple && part.length === 1 ? `dense_${part}` : part)).reduce(attribute, first)}[...]`;
}

// One of LSTM's gates is called by a word that Python keeps for itself; nnx puts a line under it.
const attribute = (owner, name) => `${owner}.${name}${isReserved(name) ? "_" : ""}`;

function ofGru(variable, { shape: [, units] }, [gate, name]) {
  if (gate === "hn" && name === "bias") throw new Unwritten("lines.absent", { name: "hn/bias" });
  const place = ["r", "z", "n"].indexOf(gate[1]) * units;
  const cut = `${place}:${place + units}`;
  return `${variable}.dense_${gate[0]}.${name}[...]${name === "bias" ? `[${cut}]` : `[:, ${cut}]`}`;
}

export function nnxLines({ seed, dtype, layers }, at) {
  const before = layers.slice(0, at.layer + 1);
  const made = layers[at.layer];
  const names = variables(before.map(({ name }) => name), ["jax", "nnx", "rngs"]);
  const lines = [];
  let shared = false;
  before.forEach((each, index) => {
    const { seed: own } = each.layer;
    if (own !== undefined && own !== null && index < at.layer) return; // has a generator of its own, and takes none of this
    shared ||= own === undefined || own === null;
    const rngs = raw(own === undefined || own === null ? "rngs" : `nnx.Rngs(${own})`);
    lines.push(...constructed(each, names[index], { param_dtype: kindOf(dtype), rngs }, dtype));
  });
  const shownArray = made.type === "tensor" ? `${names[at.layer]}[...]` : target(names[at.layer], made, made.parameters[at.parameter]);
  return ["import jax", "from flax import nnx", "", ...(shared ? [`rngs = nnx.Rngs(${seed})`] : []), ...lines, shown(shownArray, dtype)];
}

function constructed(each, variable, more, dtype) {
  if (each.type === "tensor") {
    const [parameter] = each.parameters;
    const words = `${more.rngs.raw}.params(), ${tuple(parameter.shape)}, jax.numpy.${dtype}`;
    return [`${variable} = nnx.Param((${initialiser(parameter)})(${words}))`];
  }
  return Object.entries(nnxModules(each, more)).map(([suffix, expression]) => `${variable}${suffix && `_${suffix}`} = ${expression}`);
}
