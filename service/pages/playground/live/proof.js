// The proof that this browser draws what the service returns: an array's first values and its digest, near and far.
import { sha256 } from "../initserve.js";
import { arrays } from "./drawing.js";

const FIRST = 6; // values

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Of a drawable spec's array (the first one, or of this place among all), in the spec's own layout and dtype: {key,
// shape, count, values: its first ones, sha256}.
export function proved(spec, place = 0) {
  const { layout = "keras", dtype = "float32" } = spec;
  const [key, { shape, data, bytes }] = [...arrays(spec, { layout, dtype })][place];
  return { key, shape, count: data.length, values: [...data.subarray(0, FIRST)], sha256: hexadecimal(sha256(bytes)) };
}

// The digest that the service's answer to POST /init tells of the array with this key; null where it tells none.
export function digestIn(answer, key) {
  const joint = answer?.layout === "pytorch" ? "." : "/";
  const told = (answer?.layers ?? []).flatMap(({ name, parameters }) =>
    parameters.map((parameter) => [[name, parameter.name].filter(Boolean).join(joint), parameter.sha256]),
  );
  return told.find(([name]) => name === key)?.[1] ?? null;
}
