// Keras: the layers of the network, built, and set_weights; a dictionary of arrays where Keras has no such layers.
import { isAll, isChain } from "./chains.js";
import { pythonFetch, pythonImports } from "./fetching.js";
import { kerasLayers } from "../../streams/keras.js";
import { tuple, variables } from "../../streams/python.js";
import { Unwritten } from "../../streams/unwritten.js";

const ACTIVATIONS = Object.fromEntries(
  ["linear", "relu", "tanh", "sigmoid", "gelu", "silu", "elu", "selu", "softplus", "softsign", "relu6", "softmax"].map((name) => [name, name]),
);

export function kerasProgram(asked) {
  const model = modelOf(asked);
  return [
    ...pythonImports(asked),
    ...(model ? ["", "import keras"] : [""]),
    "from safetensors.numpy import load_file",
    "",
    ...pythonFetch(asked),
    'weights = load_file("weights.safetensors")',
    ...(model ? ["", ...model] : []),
  ];
}

function modelOf({ spec, layers, dtype }) {
  if (!layers?.length || dtype === "bfloat16" || layers.some(({ type }) => type === "tensor")) return null;
  const plain = layers.map((layer) => ({ ...layer, parameters: layer.parameters.map((each) => ({ ...each, reason: "the default of keras" })) }));
  const more = dtype === "float32" ? {} : { dtype };
  try {
    return isChain(layers, ACTIVATIONS) && isAll(spec, layers) ? sequential(plain, more) : apart(plain, more);
  } catch (error) {
    if (error instanceof Unwritten) return null;
    throw error;
  }
}

const keysOf = ({ name, parameters }) => parameters.map((parameter) => `weights[${JSON.stringify(`${name}/${parameter.name}`)}]`);

function sequential(layers, more) {
  const rows = layers.map((made) => {
    const { activation = "linear" } = made.layer;
    const [[constructor]] = kerasLayers(made, { activation: activation === "linear" ? undefined : activation, ...more, name: made.name });
    return `    ${constructor},`;
  });
  return [
    "model = keras.Sequential([",
    `    keras.Input((${layers[0].layer.shape[0]},)),`,
    ...rows,
    "])",
    "model.set_weights([",
    ...layers.map((layer) => `    ${keysOf(layer).join(", ")},`),
    "])",
  ];
}

// Each layer by itself; how they are joined is the reader's own code.
function apart(layers, more) {
  const names = variables(layers.map(({ name }) => name), ["keras", "weights"]);
  return layers.flatMap((made, index) => {
    if (made.type === "dropout") return [];
    const parts = kerasLayers(made, more);
    const each = made.parameters.length / parts.length;
    return parts.flatMap(([constructor, ...shapes], part) => {
      const variable = parts.length > 1 ? `${names[index]}_${part}` : names[index];
      const keys = keysOf(made).slice(part * each, (part + 1) * each);
      const built = shapes.map((shape) => tuple(shape.map((size) => size ?? "None"))).join(", ");
      return [`${variable} = ${constructor}`, `${variable}.build(${built})`, `${variable}.set_weights([${keys.join(", ")}])`];
    });
  });
}
