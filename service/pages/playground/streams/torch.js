// PyTorch's lines: the modules of the layers, and the calls of torch.nn.init for schemes that are stated.
import { isDefault, lawOf } from "./laws.js";
import { call, decimal, raw, variables } from "./python.js";
import { Unwritten } from "./unwritten.js";

const NN = "torch.nn";
const INIT = `${NN}.init`;
const CELLS = { simple_rnn: "RNN", lstm: "LSTM", gru: "GRU" };
const SEEDS = 2n ** 64n; // torch takes what is signed, and counts it round

export const torchSeed = (seed) => (BigInt(seed) >= SEEDS / 2n ? BigInt(seed) - SEEDS : BigInt(seed));

// What constructs a layer: {suffix: expression}, the suffix "" where it is one module. `more` is said of each.
export function torchModules({ type, layer }, more = {}) {
  const { shape = [] } = layer;
  const bias = layer.bias === null ? false : undefined;
  const one = (name, positional, named = {}) => ({ "": call(`${NN}.${name}`, positional, { ...named, ...more }) });
  const [space, into, out] = [shape.slice(0, -2), shape.at(-2), shape.at(-1)];
  const field = space.length === 1 ? space[0] : space;
  const groups = layer.groups > 1 ? layer.groups : undefined;
  if (/^conv\dd$/.test(type)) return one(`Conv${space.length}d`, [into, out, field], { ...stride(layer), groups, bias });
  if (/^conv\dd_transpose$/.test(type))
    return one(`ConvTranspose${space.length}d`, [into, out, field], { ...stride(layer), groups, bias });
  if (type.startsWith("depthwise_conv"))
    return one(`Conv${space.length}d`, [into, into * out, field], { ...stride(layer), groups: into, bias });
  if (type.startsWith("separable_conv")) {
    const middle = into * (layer.depth_multiplier ?? 1);
    const conv = `${NN}.Conv${space.length}d`;
    return {
      depthwise: call(conv, [into, middle, field], { ...stride(layer), groups: into, bias: false, ...more }),
      pointwise: call(conv, [middle, out, 1], { bias, ...more }),
    };
  }
  if (type in CELLS) return one(`${CELLS[type]}${layer.cell ? "Cell" : ""}`, shape, recurrent(layer, bias));
  if (type.startsWith("transformer_")) return { "": transformer(type, layer, bias, more) };
  const rest = {
    dense: () => one("Linear", shape, { bias }),
    bilinear: () => one("Bilinear", shape, { bias }),
    embedding: () => one("Embedding", shape, { padding_idx: layer.padding_index ?? undefined }),
    multi_head_attention: () =>
      one("MultiheadAttention", shape.slice(0, 2), {
        bias,
        add_bias_kv: layer.bias_kv || undefined,
        kdim: layer.key_width ?? undefined,
        vdim: layer.value_width ?? undefined,
        batch_first: true,
      }),
    batch_norm: () => one("BatchNorm1d", shape),
    layer_norm: () => one("LayerNorm", [shape.length === 1 ? shape[0] : shape], { bias }),
    group_norm: () => one("GroupNorm", [layer.num_groups ?? 1, shape[0]]),
    instance_norm: () => one("InstanceNorm2d", shape, { affine: true }),
    rms_norm: () => one("RMSNorm", [shape.length === 1 ? shape[0] : shape]),
    prelu: () => one("PReLU", [shape.length > 1 && layer.shared_axes?.includes(shape.length) ? 1 : out]),
    dropout: () => ({ "": `${NN}.Dropout()` }),
  }[type];
  if (!rest) throw new Unwritten("lines.layer", { type });
  return rest();
}

const stride = ({ strides }) => ({ stride: Array.isArray(strides) || strides > 1 ? strides : undefined });

function recurrent(layer, bias) {
  if (layer.cell) return { bias };
  return {
    num_layers: layer.num_layers > 1 ? layer.num_layers : undefined,
    bias,
    bidirectional: layer.bidirectional || undefined,
    proj_size: layer.projection ?? undefined,
    batch_first: true,
  };
}

function transformer(type, { shape, num_layers: count = 1, norm }, bias, more) {
  const side = type.includes("encoder") ? "Encoder" : "Decoder";
  const block = call(`${NN}.Transformer${side}Layer`, shape, { bias, batch_first: true, ...more });
  if (type.endsWith("_layer")) return block;
  const last = norm ? [raw(call(`${NN}.LayerNorm`, [shape[0]], { bias, ...more }))] : [];
  return call(`${NN}.Transformer${side}`, [raw(block), count, ...last]);
}

// The call of torch.nn.init that fills `target` by a scheme, with the numbers that this service uses to the last bit.
function filled(target, { scheme, shape, reason }, layer) {
  const of = (name, ...more) => call(`${INIT}.${name}_`, [raw(target), ...more.map(decimal)]);
  const { mean = 0, stddev, minval, maxval, lower, upper, value } = scheme;
  switch (lawOf(scheme).kind) {
    case "constant":
      return value === 0 ? of("zeros") : value === 1 ? of("ones") : of("constant", value);
    case "normal":
      return of("normal", mean, stddev);
    case "uniform":
      return of("uniform", minval, maxval);
    case "bounded":
      return of("trunc_normal", mean, stddev, minval, maxval);
    case "truncated":
      return of("trunc_normal", mean, stddev, mean + lower * stddev, mean + upper * stddev);
    case "scaled":
      return isDefault({ reason }, "pytorch") ? `${INIT}.kaiming_uniform_(${target}, a=5**0.5)` : scaled(target, scheme, shape, of);
    case "sparse":
      return of("sparse", scheme.sparsity, stddev);
    case "identity":
      return of("eye");
    case "dirac":
      return call(`${INIT}.dirac_`, [raw(target)], { groups: diracGroups(layer) });
    case "orthogonal":
      return call(`${INIT}.orthogonal_`, [raw(target)], { gain: scheme.gain === 1 ? undefined : decimal(scheme.gain) });
    default:
      throw new Unwritten("lines.scheme", { scheme: scheme.name });
  }
}

const diracGroups = ({ type, layer }) => {
  const groups = type.startsWith("depthwise") ? layer.shape.at(-2) : (layer.groups ?? 1);
  return groups > 1 ? groups : undefined;
};

function scaled(target, { scale, mode, distribution }, shape, of) {
  const kind = { uniform: "uniform", untruncated_normal: "normal" }[distribution];
  const [into, out] = [1, 0].map((axis) => shape[axis] * shape.slice(2).reduce((size, next) => size * next, 1));
  if (!kind || mode === "fan_geo_avg") throw new Unwritten("lines.scheme", { scheme: `${mode}, ${distribution}` });
  if (mode === "fan_avg") {
    const gain = scale === 1 ? undefined : decimal(Math.sqrt(scale));
    return call(`${INIT}.xavier_${kind}_`, [raw(target)], { gain });
  }
  const nonlinearity = { 1: "linear", 2: "relu" }[scale];
  if (nonlinearity)
    return call(`${INIT}.kaiming_${kind}_`, [raw(target)], { mode: mode === "fan_in" ? undefined : mode, nonlinearity });
  const deviation = Math.sqrt(scale) / Math.sqrt(mode === "fan_in" ? into : out);
  const bound = Math.sqrt(3) * deviation;
  return kind === "normal" ? of("normal", 0, deviation) : of("uniform", -bound, bound);
}

// An array of a layer, as its module has it; a separable convolution is two modules.
const target = (variable, suffixes, name) => {
  const part = suffixes.find((suffix) => suffix && name.startsWith(`${suffix}.`));
  const path = part ? `${variable}_${part}.${name.slice(part.length + 1)}` : `${variable}.${name}`;
  return path.replaceAll(/\.(\d+)(?=\.)/g, "[$1]");
};

// As model.apply goes: what is within a module comes before what is the module's own.
function inner(parameters) {
  const moduleOf = ({ name }) => name.split(".").slice(0, -1).join(".");
  const order = [...new Set(parameters.map(moduleOf))];
  const within = (one, other) => other === "" ? one !== "" : one.startsWith(`${other}.`);
  const sorted = [];
  for (const module of order) {
    const place = sorted.findIndex((other) => within(module, other));
    sorted.splice(place < 0 ? sorted.length : place, 0, module);
  }
  return sorted.flatMap((module) => parameters.filter((parameter) => moduleOf(parameter) === module));
}

// From the seed to the array at `at`: all modules where a scheme is stated for it, since those are applied at the end.
export function torchLines({ algorithm, seed, dtype, layers }, at) {
  const wanted = layers[at.layer].parameters[at.parameter];
  const stated = (parameter, layer) => layer.type !== "tensor" && !isDefault(parameter, "pytorch");
  const last = stated(wanted, layers[at.layer]) ? layers.length : at.layer + 1;
  if (layers.slice(0, last).some(({ layer }) => layer.seed !== undefined && layer.seed !== null))
    throw new Unwritten("lines.own-seed");
  const kind = dtype === "float32" ? undefined : raw(`torch.${dtype}`);
  const names = variables(layers.map(({ name }) => name), ["torch"]);
  const head = imports(algorithm, layers.slice(0, last));
  // transformers' own module has no argument for it.
  if (kind && head.at(-1).endsWith("Conv1D")) head.push("", `torch.set_default_dtype(${kind.raw})`);
  const lines = [...head, "", `torch.manual_seed(${torchSeed(seed)})`];
  const suffixes = layers.map(() => [""]);
  layers.slice(0, last).forEach((layer, index) => lines.push(...constructed(layer, names[index], kind, (found) => (suffixes[index] = found))));
  if (last > at.layer + 1 || stated(wanted, layers[at.layer])) {
    for (const [index, layer] of layers.slice(0, at.layer + 1).entries()) {
      for (const parameter of inner(layer.parameters)) {
        if (stated(parameter, layer)) lines.push(filled(target(names[index], suffixes[index], parameter.name), parameter, layer));
        if (parameter === wanted) break;
      }
    }
  }
  const shown = layers[at.layer].type === "tensor" ? names[at.layer] : target(names[at.layer], suffixes[at.layer], wanted.name);
  return [...lines, `print(${shown}.flatten()[:5].tolist())`];
}

const imports = (algorithm, layers) => [
  ...(algorithm === "torch-cpu-default/1" ? ["import os", "", 'os.environ["ATEN_CPU_CAPABILITY"] = "default"'] : []),
  "import torch",
  ...(layers.some(({ type }) => type === "transformers_conv1d") ? ["from transformers.pytorch_utils import Conv1D"] : []),
];

function constructed(layer, variable, dtype, tell) {
  if (layer.type === "transformers_conv1d") return [`${variable} = ${call("Conv1D", [...layer.layer.shape].reverse())}`];
  if (layer.type === "dropout") return []; // has no weights and draws none
  if (layer.type !== "tensor") {
    const modules = torchModules(layer, { dtype });
    tell(Object.keys(modules));
    return Object.entries(modules).map(([suffix, made]) => `${variable}${suffix && `_${suffix}`} = ${made}`);
  }
  const empty = call("torch.empty", [raw(layer.layer.shape.length ? layer.layer.shape.join(", ") : "()")], { dtype });
  return [`${variable} = ${empty}`, filled(variable, layer.parameters[0], layer)];
}
