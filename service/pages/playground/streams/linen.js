// Flax linen's lines: a module that holds one layer by its name, since a parameter's key comes of its path alone.
import { biased, convolution, initialisers, isRecurrent, sizesOf } from "./flax.js";
import { initialiser, kindOf, own, shown } from "./jax.js";
import { call, raw, tuple } from "./python.js";
import { Unwritten } from "./unwritten.js";

const CELLS = { simple_rnn: "SimpleCell", lstm: "LSTMCell", gru: "GRUCell" };
const zeros = (...sizes) => `jnp.zeros(${tuple(sizes)})`;
const typed = (called, dtype) => (dtype ? called.replaceAll("))", `), ${dtype.raw})`) : called); // a state has its inputs' dtype

// [the module's expression, what it is called with]; `named` has its name and dtype.
function linenModule(made, named) {
  const { type, layer } = made;
  const { shape = [] } = layer;
  const { space, into, out } = sizesOf(layer);
  const inits = initialisers(made);
  const of = (name, positional, more = {}) => call(`nn.${name}`, positional, { ...more, ...inits, ...named });
  if (/conv\dd/.test(type) && !type.startsWith("separable")) {
    const { features, named: more, into: channels } = convolution(made);
    const name = type.endsWith("transpose") ? "ConvTranspose" : "Conv";
    return [of(name, [features, space], more), zeros(1, ...space, channels)];
  }
  if (isRecurrent(made)) return recurrent(made, inits, named);
  const axes = shape.length > 1 ? shape.map((_, index) => index - shape.length) : undefined;
  const over = { reduction_axes: axes, feature_axes: axes };
  const groups = { num_groups: layer.num_groups ?? 1 };
  const rest = {
    dense: () => [of("Dense", [out], biased(layer)), zeros(1, into)],
    transformers_conv1d: () => [of("Dense", [out]), zeros(1, into)],
    embedding: () => [of("Embed", shape), "jnp.zeros(1, jnp.int32)"],
    multi_head_attention: () => [
      of("MultiHeadDotProductAttention", [shape[1]], { qkv_features: shape[1] * shape[2], ...biased(layer) }),
      attended(layer),
    ],
    einsum_dense: () => einsum(layer, of),
    batch_norm: () => [of("BatchNorm", [], { use_running_average: true }), zeros(1, ...shape)],
    layer_norm: () => [of("LayerNorm", [], { ...over, ...biased(layer) }), zeros(1, ...shape)],
    rms_norm: () => [of("RMSNorm", [], over), zeros(1, ...shape)],
    group_norm: () => [of("GroupNorm", [], groups), zeros(1, ...shape)],
    instance_norm: () => [of("InstanceNorm", []), zeros(1, 2, ...shape)],
    prelu: () => [call("nn.PReLU", [], named), zeros(1)],
  }[type];
  if (!rest) throw new Unwritten("lines.layer", { type });
  return rest();
}

function recurrent({ type, layer }, inits, { name, ...more }) {
  const { into, out } = sizesOf(layer);
  if ((layer.num_layers ?? 1) > 1) throw new Unwritten("lines.stacked", { type });
  const cell = (own) => call(`nn.${CELLS[type]}`, [out], { ...inits, ...own, ...more });
  const called = typed(zeros(1, 2, into), more.param_dtype);
  if (!layer.bidirectional) return [call("nn.RNN", [raw(cell({ name }))]), called];
  const way = raw(call("nn.RNN", [raw(cell({ parent: null }))], { parent: null }));
  return [call("nn.Bidirectional", [way, way], { name }), called];
}

function attended({ shape: [width], key_width: keys, value_width: values }) {
  const widths = keys || values ? [width, keys ?? width, values ?? width] : [width];
  return widths.map((size) => zeros(1, 2, size)).join(", ");
}

function einsum({ shape, equation, bias }, of) {
  const [inputs, kernel] = equation.replaceAll(" ", "").split("->")[0].split(",");
  const sizes = Object.fromEntries([...kernel.replace("...", "")].map((axis, index) => [axis, shape[index]]));
  const given = [...inputs.replace("...", "")].map((axis) => sizes[axis] ?? 1);
  const made = of("Einsum", [shape, equation], { use_bias: bias === null ? false : undefined });
  return [made, zeros(...(inputs.startsWith("...") ? [1] : []), ...given)];
}

// Modules within modules, the innermost first: `calls` are the innermost one's lines.
function classes(path, calls) {
  const body = (lines) => ["    @nn.compact", "    def __call__(self):", ...lines.map((line) => `        ${line}`), ""];
  const inner = path.map((name, index) => ({ name, own: `Part${path.length > 1 ? index + 1 : ""}` }));
  const written = [];
  let lines = calls;
  for (const { name, own: kind } of [...inner].reverse()) {
    written.push(`class ${kind}(nn.Module):`, ...body(lines), "");
    lines = [`${kind}(name=${JSON.stringify(name)})()`];
  }
  return [...written, "class Network(nn.Module):", ...body(lines)];
}

export function linenLines({ seed, dtype, layers }, at) {
  const made = layers[at.layer];
  const parameter = made.parameters[at.parameter];
  const path = made.name.split(".");
  const more = { param_dtype: kindOf(dtype) };
  const head = ["import jax", "import jax.numpy as jnp", "from flax import linen as nn", "", ""];
  const tail = (names, collection = "params") => [
    "",
    `variables = Network().init(jax.random.key(${own(seed, made.layer)}))`,
    shown([collection, ...names].reduce((whole, name) => `${whole}[${JSON.stringify(name)}]`, "variables"), dtype),
  ];
  if (made.type === "tensor") return [...head, ...classes(path.slice(0, -1), tensors(layers, at, dtype)), ...tail(path)];
  if (made.type.startsWith("separable")) return separable(made, parameter, path, more, head, tail);
  const [module, called] = linenModule(made, { ...more, name: path.at(-1) });
  const statistic = made.type === "batch_norm" && ["mean", "var"].includes(parameter.name);
  return [
    ...head,
    ...classes(path.slice(0, -1), [`${module}(${called})`]),
    ...tail([...path, ...parameter.name.split("/")], statistic ? "batch_stats" : "params"),
  ];
}

// A bare array's key counts those that its module made before it.
function tensors(layers, at, dtype) {
  const parent = (name) => name.split(".").slice(0, -1).join(".");
  return layers
    .slice(0, at.layer + 1)
    .filter(({ type, name }) => type === "tensor" && parent(name) === parent(layers[at.layer].name))
    .map(({ name, parameters: [parameter] }) => {
      const words = [name.split(".").at(-1), raw(initialiser(parameter)), raw(tuple(parameter.shape)), raw(`jnp.${dtype}`)];
      return call("self.param", words);
    });
}

function separable(made, { name: wanted }, path, more, head, tail) {
  const { space, into, out } = sizesOf(made.layer);
  const middle = into * (made.layer.depth_multiplier ?? 1);
  const part = (name) => ({
    ...more,
    ...initialisers({ ...made, parameters: made.parameters.filter((each) => each.name.startsWith(name)) }),
    name,
  });
  const depthwise = call("nn.Conv", [middle, space], { feature_group_count: into, use_bias: false, ...part("depthwise") });
  const pointwise = call("nn.Conv", [out, space.map(() => 1)], { ...biased(made.layer), ...part("pointwise") });
  const calls = [`${depthwise}(${zeros(1, ...space, into)})`, `${pointwise}(${zeros(1, ...space.map(() => 1), middle)})`];
  return [...head, ...classes(path, calls), ...tail([...path, ...wanted.split("/")])];
}
