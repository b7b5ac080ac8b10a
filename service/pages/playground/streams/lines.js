// The lines that give the array in view in its own framework, and what they print.
import { clientLines, printed } from "./clients.js";
import { jaxLines } from "./jax.js";
import { kerasLines } from "./keras.js";
import { linenLines } from "./linen.js";
import { nnxLines } from "./nnx.js";
import { numpyLines } from "./numpy.js";
import { list } from "./python.js";
import { torchLines } from "./torch.js";
import { Unwritten } from "./unwritten.js";
import { answered } from "../network/structure.js";

export const OWN = "initserve/1";
const WRITTEN = {
  torch: torchLines,
  jax: jaxLines,
  linen: linenLines,
  nnx: nnxLines,
  keras: kerasLines,
  numpy: numpyLines,
};
export const FAMILIES = ["initserve", "torch", "keras", "jax", "linen", "nnx", "numpy"];

// Whose lines an algorithm's are: the family of its name.
export function familyOf(algorithm) {
  const [name] = algorithm.split("/");
  if (name.startsWith("flax-")) return name.slice(5);
  return name.split("-")[0];
}

// The layers of a spec with the arrays that a plan in the algorithm's own layout has of them.
export function layersOfPlan(spec, plan) {
  if (!spec.layers) throw new Unwritten(spec.recipe === undefined ? "lines.listing" : "lines.recipe");
  const places = answered(spec.layers);
  return spec.layers
    .map((layer, index) => ({ ...plan.layers[places[index]], layer, weighted: places[index] !== null }))
    .filter(({ weighted }) => weighted);
}

// {lines, printed} of an array at `at` = {layer, parameter} of the plan; or {unwritten: {key, values}}.
export function written({ spec, plan, at, client, values, absolute }) {
  const { algorithm, seed, dtype } = plan;
  const parameter = plan.layers[at.layer].parameters[at.parameter];
  try {
    if (algorithm === OWN) {
      const lines = clientLines(client, parameter, absolute);
      return { lines: lines.join("\n"), printed: values && printed(client, values, parameter.dtype) };
    }
    const asked = { algorithm, seed, dtype, layers: layersOfPlan(spec, plan) };
    if (asked.layers.some(({ parameters }) => parameters.some((each) => each.dtype !== dtype))) throw new Unwritten("lines.dtypes");
    return { lines: WRITTEN[familyOf(algorithm)](asked, at).join("\n"), printed: values && list(values) };
  } catch (error) {
    if (!(error instanceof Unwritten)) throw error;
    return { unwritten: { key: error.key, values: error.values } };
  }
}
