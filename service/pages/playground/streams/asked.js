// What this view asks the service beside the network's own answer: each question once.
import { ask, some } from "../frame/service.js";
import { update } from "../frame/state.js";

const KEPT = 2000; // answers; each is a few numbers
const answers = new Map();

// The answer, once it is here; until then undefined, and null where the service has none.
function once(question, find) {
  if (!answers.has(question)) {
    if (answers.size >= KEPT) answers.delete(answers.keys().next().value);
    answers.set(question, undefined);
    find()
      .catch(() => null)
      .then((found) => update(() => answers.set(question, found), 30));
  }
  return answers.get(question);
}

export const planOf = (spec) => once(`plan ${JSON.stringify(spec)}`, () => ask("plan", spec));

const WIDTHS = { float64: 8, float32: 4, float16: 2, bfloat16: 2 };

// The first values of an array, as doubles, row by row.
export function firstValues({ links, dtype, shape }, count = 5) {
  if (!links) return null;
  const all = shape.reduce((product, size) => product * size, 1);
  const bytes = Math.min(count, all) * WIDTHS[dtype];
  return once(`${links.raw} ${count}`, async () => numbers(await some(links.raw, bytes), dtype));
}

// The corner of a matrix: rows of doubles.
export function corner({ links, dtype }, rows, columns) {
  if (!links) return null;
  return once(`${links.raw} ${rows} × ${columns}`, async () => {
    const flat = numbers(await some(`${links.raw}?slice=0:${rows},0:${columns}`), dtype);
    return Array.from({ length: rows }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
  });
}

export function numbers(buffer, dtype) {
  const view = new DataView(buffer);
  const width = WIDTHS[dtype];
  return Array.from({ length: buffer.byteLength / width }, (_, index) => READ[dtype](view, index * width));
}

const READ = {
  float64: (view, at) => view.getFloat64(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  float16: (view, at) => half(view.getUint16(at, true)),
  bfloat16: (view, at) => {
    const wide = new DataView(new ArrayBuffer(4));
    wide.setUint16(0, view.getUint16(at, true));
    return wide.getFloat32(0);
  },
};

function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

export const LAYOUTS = ["keras", "pytorch", "flax"];

// How each layout has a layer: {layout: [{name, shape}]}. Shapes alone are asked for, so that no other layer matters.
export function placesOf(layer) {
  const { inputs, seed, scheme, ...alone } = layer;
  const found = LAYOUTS.map((layout) => [layout, planOf({ seed: "0", defaults: layout, layout, layers: [alone] })]);
  if (found.some(([, plan]) => plan === undefined)) return undefined;
  return Object.fromEntries(found.map(([layout, plan]) => [layout, plan?.layers[0]?.parameters.map(({ name, shape }) => ({ name, shape })) ?? null]));
}
