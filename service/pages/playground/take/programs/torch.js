// PyTorch: the modules of the network, and load_state_dict; a dictionary of tensors where there are no modules for it.
import { isAll, isChain } from "./chains.js";
import { pythonFetch, pythonImports } from "./fetching.js";
import { raw } from "../../streams/python.js";
import { torchModules } from "../../streams/torch.js";
import { Unwritten } from "../../streams/unwritten.js";

const ACTIVATIONS = {
  linear: null, relu: "ReLU()", tanh: "Tanh()", sigmoid: "Sigmoid()", gelu: "GELU()", silu: "SiLU()", elu: "ELU()",
  selu: "SELU()", softplus: "Softplus()", softsign: "Softsign()", relu6: "ReLU6()", softmax: "Softmax(dim=-1)",
  gelu_tanh: 'GELU(approximate="tanh")', hard_tanh: "Hardtanh()", leaky_relu: "LeakyReLU(0.01)",
}; // prettier-ignore

export function torchProgram(asked) {
  const model = modelOf(asked);
  const imports = model?.some((line) => line.includes("OrderedDict")) ? ["from collections import OrderedDict"] : [];
  return [
    ...pythonImports(asked),
    ...imports,
    ...(model ? ["", "import torch"] : [""]),
    "from safetensors.torch import load_file",
    "",
    ...pythonFetch(asked),
    'weights = load_file("weights.safetensors")',
    ...(model ? ["", ...model, "model.load_state_dict(weights)"] : []),
  ];
}

function modelOf({ spec, layers, dtype }) {
  const more = { dtype: dtype === "float32" ? undefined : raw(`torch.${dtype}`) };
  if (!layers?.length || layers.some(({ type }) => type === "tensor" || type === "transformers_conv1d")) return null;
  try {
    const made = layers.map((layer) => ({ ...layer, modules: torchModules(layer, more) }));
    return isChain(layers, ACTIVATIONS) && isAll(spec, layers) ? sequential(made) : dictionary(made);
  } catch (error) {
    if (error instanceof Unwritten) return null;
    throw error;
  }
}

function sequential(made) {
  const members = made.flatMap(({ name, layer, modules }) => {
    const { activation = "linear" } = layer;
    const own = `    ${JSON.stringify(name)}: ${modules[""]},`;
    return ACTIVATIONS[activation] ? [own, `    ${JSON.stringify(`${name}_${activation}`)}: torch.nn.${ACTIVATIONS[activation]},`] : [own];
  });
  return ["model = torch.nn.Sequential(OrderedDict({", ...members, "}))"];
}

// The layers by their names, which may be names of modules within modules; how they are joined is the reader's own code.
function dictionary(made) {
  const tree = new Map();
  for (const { name, modules, type } of made) {
    if (type === "dropout") continue;
    for (const [suffix, expression] of Object.entries(modules)) put(tree, [...name.split("."), ...(suffix ? [suffix] : [])], expression);
  }
  return [`model = ${written(tree, "")}`];
}

function put(tree, [head, ...rest], expression) {
  if (!rest.length) {
    if (tree.has(head)) throw new Unwritten("lines.layer", { type: head });
    tree.set(head, expression);
    return;
  }
  if (!tree.has(head)) tree.set(head, new Map());
  if (!(tree.get(head) instanceof Map)) throw new Unwritten("lines.layer", { type: head });
  put(tree.get(head), rest, expression);
}

function written(tree, indent) {
  const inner = `${indent}    `;
  const rows = [...tree].map(([name, node]) => `${inner}${JSON.stringify(name)}: ${node instanceof Map ? written(node, inner) : node},\n`);
  return `torch.nn.ModuleDict({\n${rows.join("")}${indent}})`;
}
