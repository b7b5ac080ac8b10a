// The program that ends in arrays, for each language: which layout it takes, and what writes it.
import { kerasProgram } from "./keras.js";
import { linenProgram, nnxProgram } from "./flax.js";
import { curlProgram, javascriptProgram, juliaProgram, numpyProgram, rProgram } from "./others.js";
import { torchProgram } from "./torch.js";
import { layersOfPlan } from "../../streams/lines.js";
import { Unwritten } from "../../streams/unwritten.js";

export const PROGRAMS = {
  pytorch: { name: "PyTorch", layout: "pytorch", write: torchProgram },
  keras: { name: "Keras", layout: "keras", write: kerasProgram },
  linen: { name: "Flax linen", layout: "flax", write: linenProgram },
  nnx: { name: "Flax nnx", layout: "flax", write: nnxProgram },
  numpy: { name: "NumPy", write: numpyProgram },
  r: { name: "R", write: rProgram },
  julia: { name: "Julia", write: juliaProgram },
  javascript: { name: "JavaScript", write: javascriptProgram },
  curl: { name: "curl", write: curlProgram },
};

// The spec that a program asks for: its own framework's layout, the seed that the service chose where none was said.
export function askedOf(name, spec, seed) {
  const { layout } = PROGRAMS[name];
  return { ...spec, seed: spec.seed ?? seed, ...(layout && { layout }) };
}

// {lines}, or {unwritten}: `plan` is that of the spec in the program's layout, `absolute` makes a link an address.
export function program(name, { spec, plan, url, absolute }) {
  const address = plan.links ? absolute(plan.links[name === "numpy" ? "npz" : "safetensors"]) : null;
  const dtypes = new Set(plan.layers.flatMap(({ parameters }) => parameters.map(({ dtype }) => dtype)));
  const asked = { address, posted: { url, spec }, spec, layers: layersIn(spec, plan), dtype: dtypes.size === 1 ? [...dtypes][0] : plan.dtype };
  try {
    if (dtypes.size > 1 && ["r", "julia", "javascript"].includes(name)) throw new Unwritten("lines.dtypes");
    if (dtypes.has("bfloat16") && ["numpy", "keras"].includes(name)) throw new Unwritten("lines.dtype", { dtype: "bfloat16" });
    return { lines: PROGRAMS[name].write(asked).join("\n") };
  } catch (error) {
    if (!(error instanceof Unwritten)) throw error;
    return { unwritten: { key: error.key, values: error.values } };
  }
}

function layersIn(spec, plan) {
  try {
    return layersOfPlan(spec, plan);
  } catch (error) {
    if (error instanceof Unwritten) return null;
    throw error;
  }
}
