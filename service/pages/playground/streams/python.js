// Python as text: numbers, tuples, calls and names, written as Python's users write them.

const RESERVED = new Set(
  ("and as assert async await break class continue def del elif else except finally for from global if import in is " +
    "lambda nonlocal not or pass raise return try while with yield None True False")
    .split(" "),
);

export const isReserved = (name) => RESERVED.has(name);

// A double as Python's repr has it: the shortest digits that read back as the very same number.
export function float(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa, power] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16)
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${`${Math.abs(exponent)}`.padStart(2, "0")}`;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace("-", "").replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

export const list = (values) => `[${values.map(float).join(", ")}]`;
export const tuple = (sizes) => (sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`);

// What is written as it is, among arguments that are JSON.
export const raw = (text) => ({ raw: text });
export const decimal = (value) => raw(float(value));

export function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "object" && "raw" in value) return value.raw;
  if (Array.isArray(value)) return tuple(value.map(literal));
  return typeof value === "string" ? JSON.stringify(value) : `${value}`;
}

// A call; named arguments that are undefined are left out.
export function call(name, positional = [], named = {}) {
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return `${name}(${[...positional.map(literal), ...given.map(([key, value]) => `${key}=${literal(value)}`)].join(", ")})`;
}

// A name of Python's for each layer, told apart where two layers' names differ in their dots alone.
export function variables(names, taken = []) {
  const used = new Set(taken);
  return names.map((name) => {
    const plain = name.replaceAll(/\W/g, "_").replace(/^(?=\d)/, "layer_") || "layer";
    let own = RESERVED.has(plain) ? `${plain}_` : plain;
    while (used.has(own)) own += "_";
    used.add(own);
    return own;
  });
}
