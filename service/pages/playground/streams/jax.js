// JAX's lines: the initialiser of jax.nn.initializers that a scheme is, called for one array.
import { isDefault, lawOf } from "./laws.js";
import { call, decimal, raw, tuple } from "./python.js";
import { Unwritten } from "./unwritten.js";

const INITIALIZERS = "jax.nn.initializers";
const DISTRIBUTIONS = { truncated_normal: "truncated_normal", untruncated_normal: "normal", uniform: "uniform" };

// An expression that takes a key, a shape and a dtype.
export function initialiser({ scheme, reason, name }) {
  const of = (kind, ...values) => call(`${INITIALIZERS}.${kind}`, values.map(decimal));
  const { mean = 0, stddev, minval, maxval, lower, upper, value, scale, mode, distribution } = scheme;
  const law = lawOf(scheme);
  switch (law.kind) {
    case "constant":
      return value === 0 || value === 1 ? `${INITIALIZERS}.${value ? "ones" : "zeros"}` : of("constant", value);
    case "normal":
      return shifted(mean, of("normal", stddev));
    case "truncated":
      return shifted(mean, call(`${INITIALIZERS}.truncated_normal`, [decimal(stddev)], { lower: decimal(lower), upper: decimal(upper) }));
    case "uniform":
      return minval === 0
        ? of("uniform", maxval)
        : `lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, ${literalOf(minval)}, ${literalOf(maxval)})`;
    case "scaled":
      if (isDefault({ reason }, "flax") && name === "embedding")
        return call(`${INITIALIZERS}.variance_scaling`, [decimal(1), "fan_in", "normal"], { out_axis: 0 });
      if (law.named) return `${INITIALIZERS}.${law.named}()`;
      if (distribution in DISTRIBUTIONS)
        return call(`${INITIALIZERS}.variance_scaling`, [decimal(scale), mode, DISTRIBUTIONS[distribution]]);
      break;
    case "orthogonal":
      return of("orthogonal", scheme.gain);
  }
  throw new Unwritten("lines.scheme", { scheme: scheme.name });
}

const literalOf = (value) => decimal(value).raw;
const shifted = (mean, made) => (mean ? `lambda key, shape, dtype: ${literalOf(mean)} + ${made}(key, shape, dtype)` : made);

export const own = (seed, layer) => layer.seed ?? seed;
export const kindOf = (dtype) => (dtype === "float32" ? undefined : raw(`jax.numpy.${dtype}`));
// bfloat16 is not one of Python's own: its values are widened, which changes none.
export const shown = (array, dtype) => `print(${array}.flatten()[:5]${dtype === "bfloat16" ? '.astype("float32")' : ""}.tolist())`;

export function jaxLines({ algorithm, seed, dtype, layers }, at) {
  const layer = layers[at.layer];
  const parameter = layer.parameters[at.parameter];
  const made = initialiser(parameter);
  const jitted = algorithm === "jax-threefry-jit/1";
  const flags = algorithm === "jax-threefry-original/1" ? ['jax.config.update("jax_threefry_partitionable", False)'] : [];
  const given = call("", [raw(`jax.random.key(${own(seed, layer.layer)})`), raw(tuple(parameter.shape)), raw(`jax.numpy.${dtype}`)]);
  return [
    "import jax",
    "",
    ...flags,
    `initializer = ${made}`,
    `array = ${jitted ? "jax.jit(initializer, static_argnums=(1, 2))" : "initializer"}${given}`,
    shown("array", dtype),
  ];
}
