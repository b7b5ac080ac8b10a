// A signal on its way through a network, and the gradient on its way back: one bar a layer, as long as it is large.

export const LAYERS = 20;
export const UNITS = 100;

// Sizes (root mean squares) of what each layer puts out and of the gradient that reaches it, as POST /diagnose measures
// them at seed 42: with a standard deviation of 0.1 × √2, which is He's, and with he_normal itself.
const MEASURED = {
  scaled: {
    stddev: Math.sqrt(2 / UNITS),
    signal: [0.994, 0.995, 0.924, 0.933, 0.886, 0.866, 0.875, 0.92, 0.935, 0.79, 0.838, 0.89, 0.78, 0.885, 0.866, 0.867, 0.946, 0.89, 0.979, 1.65],
    gradient: [0.523, 0.532, 0.558, 0.537, 0.526, 0.505, 0.517, 0.513, 0.472, 0.478, 0.487, 0.467, 0.508, 0.463, 0.445, 0.474, 0.464, 0.486, 0.456, 1.03],
  },
  he: {
    signal: [0.996, 0.992, 0.927, 0.932, 0.892, 0.882, 0.921, 0.966, 0.988, 0.859, 0.888, 0.931, 0.83, 0.945, 0.952, 0.927, 1.01, 1.01, 1.09, 1.84],
    gradient: [0.575, 0.588, 0.621, 0.608, 0.592, 0.566, 0.582, 0.569, 0.516, 0.51, 0.516, 0.504, 0.529, 0.472, 0.458, 0.476, 0.466, 0.479, 0.457, 1.03],
  },
};

export const repaired = () => MEASURED.he;

// ReLU layers without biases scale with their weights: c times the deviation makes layer l's output c^l times as large,
// and the gradient that reaches it c^(layers above). So what was measured once holds for every deviation.
export function scaledTo(stddev) {
  const { stddev: measured, signal, gradient } = MEASURED.scaled;
  const factor = stddev / measured;
  return {
    signal: signal.map((size, layer) => size * factor ** (layer + 1)),
    gradient: gradient.map((size, layer) => size * factor ** (LAYERS - 1 - layer)),
  };
}

const layer = (name, units, activation, scheme) => ({ name, type: "dense", shape: [UNITS, units], activation, scheme });

export const networkOf = (scheme) => ({
  seed: "42",
  layers: [
    ...Array.from({ length: LAYERS - 1 }, (_, index) => layer(`fc${index + 1}`, UNITS, "relu", scheme)),
    layer("out", 10, "linear", scheme),
  ],
});

const LEFT = 78;
const APART = 17;
const THICK = 12;
const HALF = 27; // a size of 1
const MOST = 1.15; // longer bars are cut off there

// The bars as one path, about a line at this height; a layer that nothing reaches keeps a hair.
export function bars(sizes, middle) {
  return sizes
    .map((size, index) => {
      const half = Math.max(0.5, HALF * Math.min(MOST, Number.isFinite(size) ? size : MOST));
      return `M${LEFT + APART * index} ${(middle - half).toFixed(1)}h${THICK}v${(2 * half).toFixed(1)}h-${THICK}z`;
    })
    .join("");
}

// What becomes of a signal: it fades, arrives, or explodes; as far as gradients go, a tenth and tenfold still are normal.
export function fateOf({ signal, gradient }) {
  const ends = [signal.at(-1), gradient[0]];
  if (Math.min(...ends) < 0.05) return "fades";
  return Math.max(...ends) > 20 ? "explodes" : "arrives";
}
