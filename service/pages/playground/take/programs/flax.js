// Flax: the tree of parameters that linen's apply takes, and the arrays put into the modules of nnx.
import { isAll, isChain } from "./chains.js";
import { pythonFetch, pythonImports } from "./fetching.js";
import { biased } from "../../streams/flax.js";
import { kindOf } from "../../streams/jax.js";
import { nnxModules, target } from "../../streams/nnx.js";
import { call, raw, variables } from "../../streams/python.js";
import { Unwritten } from "../../streams/unwritten.js";

const ACTIVATIONS = {
  linear: "", relu: "nn.relu", tanh: "nn.tanh", sigmoid: "nn.sigmoid", silu: "nn.silu", elu: "nn.elu", selu: "nn.selu",
  softplus: "nn.softplus", softsign: "nn.soft_sign", relu6: "nn.relu6", softmax: "nn.softmax", leaky_relu: "nn.leaky_relu",
  gelu_tanh: "nn.gelu", hard_tanh: "nn.hard_tanh",
}; // prettier-ignore

const head = (asked, imports) => [
  ...pythonImports(asked),
  "",
  ...imports,
  "from safetensors.flax import load_file",
  "",
  ...pythonFetch(asked),
  'weights = load_file("weights.safetensors")',
];

export function linenProgram(asked) {
  const { layers, spec } = asked;
  const statistics = (layers ?? []).filter(({ type }) => type === "batch_norm").map(({ name }) => name);
  const chain = layers && isChain(layers, ACTIVATIONS) && isAll(spec, layers);
  const imports = [...(chain ? ["import jax.numpy as jnp", "from flax import linen as nn"] : []), "from flax.traverse_util import unflatten_dict"];
  return [...head(asked, imports), ...tree(statistics), ...(chain ? model(layers, asked.dtype) : [])];
}

const path = 'tuple(key.replace(".", "/").split("/"))'; // dots in a name are modules within modules

function tree(statistics) {
  if (!statistics.length) return [`variables = {"params": unflatten_dict({${path}: value for key, value in weights.items()})}`];
  const keys = statistics.flatMap((name) => [`${name}/mean`, `${name}/var`]).map((key) => JSON.stringify(key));
  return [
    `statistics = {${keys.join(", ")}}`,
    "variables = {",
    `    "params": unflatten_dict({${path}: value for key, value in weights.items() if key not in statistics}),`,
    `    "batch_stats": unflatten_dict({${path}: weights[key] for key in statistics}),`,
    "}",
  ];
}

function model(layers, dtype) {
  const lines = layers.map(({ name, layer }) => {
    const dense = call("nn.Dense", [layer.shape[1]], { ...biased(layer), param_dtype: kindOf(dtype) && raw(`jnp.${dtype}`), name });
    const act = ACTIVATIONS[layer.activation ?? "linear"];
    return `        x = ${act ? `${act}(${dense}(x))` : `${dense}(x)`}`;
  });
  return [
    "",
    "",
    "class Network(nn.Module):",
    "    @nn.compact",
    "    def __call__(self, x):",
    ...lines,
    "        return x",
    "",
    "",
    `outputs = Network().apply(variables, jnp.zeros((1, ${layers[0].layer.shape[0]})))`,
  ];
}

export function nnxProgram(asked) {
  const made = modules(asked);
  if (!made) return [...head(asked, ["from flax.traverse_util import unflatten_dict"]), ...tree([]).map((line) => line.replace('{"params": ', "").replace(/\}$/, ""))];
  return [...head(asked, [...(asked.dtype === "float32" ? [] : ["import jax"]), "from flax import nnx"]), "", "rngs = nnx.Rngs(0)", ...made];
}

function modules({ layers, dtype }) {
  if (!layers?.length || layers.some(({ type }) => type === "tensor" || type === "gru")) return null;
  const names = variables(layers.map(({ name }) => name), ["nnx", "rngs", "weights"]);
  const plain = layers.map((layer) => ({ ...layer, parameters: layer.parameters.map((each) => ({ ...each, reason: "the default of flax" })) }));
  try {
    return plain.flatMap((each, index) => {
      const more = { param_dtype: kindOf(dtype), rngs: raw("rngs") };
      const parts = Object.entries(nnxModules(each, more));
      const built = parts.map(([suffix, expression]) => `${names[index]}${suffix && `_${suffix}`} = ${expression}`);
      const filled = each.parameters.map((parameter) => `${target(names[index], each, parameter)} = weights[${JSON.stringify(`${each.name}/${parameter.name}`)}]`);
      return [...built, ...filled];
    });
  } catch (error) {
    if (error instanceof Unwritten) return null;
    throw error;
  }
}
