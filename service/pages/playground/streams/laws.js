// What a scheme's members say of its law, whatever it is called: a constant, a normal, a uniform, one by fans.

const NAMED = {
  "2 fan_in truncated_normal": "he_normal",
  "2 fan_in uniform": "he_uniform",
  "1 fan_in truncated_normal": "lecun_normal",
  "1 fan_in uniform": "lecun_uniform",
  "1 fan_avg truncated_normal": "glorot_normal",
  "1 fan_avg uniform": "glorot_uniform",
};
const CONSTANTS = ["zeros", "ones", "constant"];

export function lawOf(scheme) {
  const { name } = scheme;
  if ("distribution" in scheme && "scale" in scheme)
    return byAxes(scheme) ? { kind: "other" } : { kind: "scaled", named: NAMED[`${scheme.scale} ${scheme.mode} ${scheme.distribution}`] };
  if (CONSTANTS.includes(name)) return { kind: "constant" };
  if ("sparsity" in scheme) return { kind: "sparse" };
  if (name.endsWith("orthogonal")) return { kind: name.endsWith("delta_orthogonal") ? "other" : "orthogonal" };
  if (name === "identity" || name === "keras:identity" || name === "torch:eye") return { kind: "identity" };
  if (name.endsWith("dirac")) return { kind: "dirac" };
  if ("minval" in scheme && "stddev" in scheme) return { kind: name.startsWith("timm:") ? "other" : "bounded" };
  if ("lower" in scheme) return { kind: name.startsWith("timm:") ? "other" : "truncated" };
  if ("minval" in scheme) return { kind: "uniform" };
  if ("mean" in scheme && "stddev" in scheme) return { kind: "normal" };
  return { kind: "other" };
}

const byAxes = ({ input_axes: inputs, output_axes: outputs, in_axis: from, out_axis: to, batch_axis: batch }) =>
  Boolean(inputs || outputs) || (from !== undefined && (from !== -2 || to !== -1 || Boolean(batch?.length)));

// A framework's own default is what its constructor does without being told.
export const isDefault = ({ reason }, framework) => reason === `the default of ${framework}`;
