// A layer's array seen as a matrix: a row a unit (of an embedding: a token), a column an input.

const product = (sizes) => sizes.reduce((found, size) => found * size, 1);
const PROJECTIONS = /(^|[/.])(query|key|value)[/.]kernel$/; // (inputs, heads, width): units are heads × width

const isTable = (name) => /embeddings$/.test(name);

// How many rows and columns an array of a shape comes to, and whether its first axis counts the rows: of tables of
// tokens, and where `rowsFirst` says so, as of PyTorch's layout.
export function sidesOf(shape, name = "", rowsFirst = false) {
  const all = product(shape);
  if (shape.length < 2) return { units: 1, inputs: all, first: true };
  if (isTable(name) || rowsFirst) return { units: shape[0], inputs: all / shape[0], first: true };
  const units = product(shape.slice(PROJECTIONS.test(name) ? 1 : -1));
  return { units, inputs: all / units, first: false };
}

export function matrixOf({ shape, data }, name, rowsFirst) {
  const { units, inputs, first } = sidesOf(shape, name, rowsFirst);
  const at = first ? (unit, input) => data[unit * inputs + input] : (unit, input) => data[input * units + unit];
  return { units, inputs, isTable: isTable(name), at };
}

// The part of an array with at most so many rows and columns, as a slice of its axes (of a convolution's a few more).
export function sliceOf(shape, name, rowsFirst, most) {
  if (shape.length === 2) return `:${most},:${most}`;
  if (sidesOf(shape, name, rowsFirst).first || PROJECTIONS.test(name)) return `:${most}`;
  const window = product(shape.slice(0, -2));
  return `${":,".repeat(shape.length - 2)}:${Math.max(1, Math.ceil(most / window))},:${most}`;
}

// How many rows differ from each other.
export function distinctRows({ units, inputs, at }) {
  const kinds = new Map();
  let found = 0;
  const same = (one, other) => {
    for (let input = 0; input < inputs; input++) if (at(one, input) !== at(other, input)) return false;
    return true;
  };
  for (let unit = 0; unit < units; unit++) {
    let mixed = 0; // equal rows have an equal one, whatever their sum's rounding
    for (let input = 0; input < inputs; input++) mixed = mixed * 0.61803 + at(unit, input);
    const alike = kinds.get(mixed) ?? [];
    if (alike.some((other) => same(unit, other))) continue;
    kinds.set(mixed, [...alike, unit]);
    found++;
  }
  return found;
}
