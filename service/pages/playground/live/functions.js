// The activations as functions with their derivatives, both of the input: those that the service runs networks with.

const SQRT_2 = Math.SQRT2;
const [TANH_GELU, CUBE] = [Math.sqrt(2 / Math.PI), 0.044715]; // Hendrycks and Gimpel 2016
const [ALPHA, SCALE] = [1.6732632423543772, 1.0507009873554805]; // selu: Klambauer et al. 2017

const sigmoid = (x) => 0.5 * (1 + Math.tanh(0.5 * x)); // does not overflow, whatever x
const sigmoidSlope = (x) => sigmoid(x) * (1 - sigmoid(x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const density = (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

// The error function: its power series near 0, its continued fraction further out (Abramowitz and Stegun 7.1.6, 7.1.14).
export function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x); // 1 to the last bit
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / fraction / Math.sqrt(Math.PI));
}

const normalBelow = (x) => 0.5 * (1 + erf(x / SQRT_2));

const gated = (gate, slope) => ({ value: (x) => x * gate(x), slope: (x) => gate(x) + x * slope(x) });
const leaky = (slope) => ({ value: (x) => (x > 0 ? x : slope * x), slope: (x) => (x > 0 ? 1 : slope) });

function clipped(low, high, scale = 1, shift = 0) {
  const line = (x) => scale * x + shift;
  return {
    value: (x) => Math.min(Math.max(line(x), low), high),
    slope: (x) => (line(x) > low && line(x) < high ? scale : 0),
  };
}

const exponential = (alpha, scale = 1) => ({
  value: (x) => scale * (x > 0 ? x : alpha * Math.expm1(x)),
  slope: (x) => (x > 0 ? scale : scale * alpha * Math.exp(x)),
});

function mishSlope(x) {
  const t = Math.tanh(softplus(x));
  return t + x * (1 - t * t) * sigmoid(x);
}

const tanhGate = (x) => 0.5 * (1 + Math.tanh(TANH_GELU * (x + CUBE * x * x * x)));
const tanhGateSlope = (x) => 2 * tanhGate(x) * (1 - tanhGate(x)) * TANH_GELU * (1 + 3 * CUBE * x * x);

const hardGate = clipped(0, 1, 1 / 6, 0.5);
const square = (x) => x * x;

export const FUNCTIONS = {
  linear: { value: (x) => x, slope: () => 1 },
  tanh: { value: Math.tanh, slope: (x) => 1 - square(Math.tanh(x)) },
  sigmoid: { value: sigmoid, slope: sigmoidSlope },
  softsign: { value: (x) => x / (1 + Math.abs(x)), slope: (x) => 1 / square(1 + Math.abs(x)) },
  hard_tanh: clipped(-1, 1),
  hard_sigmoid: hardGate,
  tanhshrink: { value: (x) => x - Math.tanh(x), slope: (x) => square(Math.tanh(x)) },
  sin: { value: Math.sin, slope: Math.cos },
  exp: { value: Math.exp, slope: Math.exp },
  softplus: { value: softplus, slope: sigmoid },
  log_sigmoid: { value: (x) => -softplus(-x), slope: (x) => sigmoid(-x) },
  relu: { value: (x) => (x > 0 ? x : 0), slope: (x) => (x > 0 ? 1 : 0) },
  relu6: clipped(0, 6),
  leaky_relu: leaky(0.01),
  prelu: leaky(0.25),
  squared_relu: { value: (x) => square(Math.max(x, 0)), slope: (x) => 2 * Math.max(x, 0) },
  elu: exponential(1),
  celu: exponential(1),
  selu: exponential(ALPHA, SCALE),
  gelu: gated(normalBelow, density),
  gelu_tanh: gated(tanhGate, tanhGateSlope),
  quick_gelu: gated(
    (x) => sigmoid(1.702 * x),
    (x) => 1.702 * sigmoidSlope(1.702 * x),
  ),
  silu: gated(sigmoid, sigmoidSlope),
  mish: { value: (x) => x * Math.tanh(softplus(x)), slope: mishSlope },
  hard_swish: gated(hardGate.value, hardGate.slope),
};
