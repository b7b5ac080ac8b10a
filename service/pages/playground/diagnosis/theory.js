// The density that a parameter's scheme promises, as a function to draw over its histogram.

const NUMBER = "(-?[\\d.]+(?:e[+-]?\\d+)?)";
const NORMAL = new RegExp(`^N\\(${NUMBER}, ${NUMBER}²\\)`);

const bell = (z) => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

// Abramowitz and Stegun 7.1.26: 1.5e-7 is closer than a screen shows.
function below(z) {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const half = 0.5 * tail * Math.exp(-0.5 * z * z);
  return z < 0 ? half : 1 - half;
}

export function density(parameter) {
  const { expected } = parameter.statistics;
  if (!(expected.std > 0)) return null;
  const normal = NORMAL.exec(parameter.formula);
  if (normal)
    return truncated(Number(normal[1]), Number(normal[2]), expected.min ?? -Infinity, expected.max ?? Infinity);
  if (parameter.formula.startsWith("U[")) return uniform(expected.min, expected.max);
  if (parameter.scheme.name.endsWith("orthogonal") && expected.max > 0) return ofSphere(expected);
  return null;
}

function truncated(mean, deviation, low, high) {
  const mass = below((high - mean) / deviation) - below((low - mean) / deviation);
  return (x) => (x < low || x > high ? 0 : bell((x - mean) / deviation) / deviation / mass);
}

const uniform = (low, high) => (x) => (x < low || x > high ? 0 : 1 / (high - low));

// One coordinate of a random direction in n dimensions; n follows from the deviation, 1 / √n.
function ofSphere({ std, max }) {
  const n = Math.round((max / std) ** 2);
  if (n < 4) return null;
  if (n > 100) return truncated(0, std, -max, max);
  const shape = (x) => Math.max(0, 1 - (x / max) ** 2) ** ((n - 3) / 2);
  const steps = 2000;
  let mass = 0;
  for (let step = 0; step < steps; step += 1) mass += shape(-max + (2 * max * (step + 0.5)) / steps);
  return (x) => shape(x) / ((mass * 2 * max) / steps);
}
