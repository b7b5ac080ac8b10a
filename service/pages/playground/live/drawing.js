// The arrays of a spec, drawn in this browser: the very bytes that the service returns.
import { draw, sources, Undrawable } from "../initserve.js";
import { remembering } from "./remembered.js";

const MOST_ELEMENTS = 2 ** 18; // what a slider can move without a stutter
const remembered = remembering();

const product = (sizes) => (Array.isArray(sizes) ? sizes : []).reduce((found, size) => found * (Number.isFinite(size) ? size : 0), 1);
const elements = ({ layers }) => layers.reduce((found, { shape }) => found + (shape ? product(shape) : 0), 0);
const isSpec = (spec) =>
  Array.isArray(spec?.layers) && spec.layers.length > 0 && spec.layers.every((layer) => typeof layer === "object" && layer !== null);

export const isSmall = (spec) => isSpec(spec) && elements(spec) <= MOST_ELEMENTS;

// Whether this browser can draw a spec: small, and of layers and schemes that the JavaScript client knows. Nothing is
// drawn to know it.
export function drawable(spec) {
  if (!isSmall(spec)) return false;
  try {
    sources(spec);
    return true;
  } catch (error) {
    if (error instanceof Undrawable) return false;
    throw error;
  }
}

// Arrays by their keys, {dtype, shape, data, bytes} each, in Keras's layout and float32 whatever the spec says, unless
// told otherwise. Throws Undrawable where the client leaves the spec to a server.
export function arrays(spec, { layout = "keras", dtype = "float32" } = {}) {
  const question = JSON.stringify([spec, layout, dtype]);
  return remembered(question, () => draw({ ...spec, layout, dtype }));
}

// One of a spec's arrays, by its place among all, without its bytes.
export function arrayAt(spec, place) {
  const { shape, data } = [...arrays(spec).values()][place];
  return { shape, data };
}
