// NumPy's lines: one generator, and a call of it for each array in turn.
import { lawOf } from "./laws.js";
import { call, decimal, float, raw, tuple, variables } from "./python.js";
import { Unwritten } from "./unwritten.js";

const FAN = {
  fan_in: (into) => into,
  fan_out: (_, out) => out,
  fan_avg: (into, out) => (into + out) / 2,
  fan_geo_avg: (into, out) => Math.sqrt(into * out),
};

// The array's expression in `rng`, in float64; null for what takes no numbers of it.
function drawn(rng, { scheme, shape, fan_in: into, fan_out: out }) {
  const size = raw(tuple(shape));
  const of = (name, first, second) => call(`${rng}.${name}`, [exact(first), exact(second), size]);
  const { mean, stddev, minval, maxval, scale, mode, distribution, value } = scheme;
  switch (lawOf(scheme).kind) {
    case "constant":
      return value === 0 ? call("np.zeros", [size]) : call("np.full", [size, decimal(value)]);
    case "normal":
      return of("normal", mean, stddev);
    case "uniform":
      return of("uniform", minval, maxval);
    case "scaled": {
      const variance = scale / Math.max(1, FAN[mode](into, out));
      if (distribution === "untruncated_normal") return of("normal", 0, Math.sqrt(variance));
      if (distribution === "uniform") return of("uniform", -Math.sqrt(3 * variance), Math.sqrt(3 * variance));
    }
  }
  throw new Unwritten("lines.scheme", { scheme: scheme.name });
}

const exact = (value) => raw(Number.isInteger(value) ? `${value}` : float(value));

export function numpyLines({ algorithm, seed, dtype, layers }, at) {
  const older = algorithm.startsWith("numpy-mt19937");
  const arrays = layers.slice(0, at.layer + 1).flatMap((layer, index) =>
    layer.parameters
      .filter((_, place) => index < at.layer || place <= at.parameter)
      .map((parameter) => ({ ...parameter, of: `${layer.name}_${parameter.name}`, own: layer.layer.seed })),
  );
  if (arrays.some(({ own }) => own !== undefined && own !== null)) throw new Unwritten("lines.own-seed");
  const names = variables(arrays.map(({ of }) => of), ["np", "rng"]);
  const rng = older ? "np.random" : "rng";
  const lines = arrays.map((array, index) => `${names[index]} = ${drawn(rng, array)}.astype("${dtype}")`);
  // Constants before the array take no numbers: they are left out.
  const needed = lines.filter((line, index) => index === lines.length - 1 || line.includes(`${rng}.`));
  const start = older ? `np.random.seed(${seed})` : `rng = np.random.default_rng(${seed})`;
  return ["import numpy as np", "", start, ...needed, `print(${names.at(-1)}.flatten()[:5].tolist())`];
}
