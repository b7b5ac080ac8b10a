// How values are distributed, as /diagnose tells it with `distributions`: in equal bins, and by their magnitude.
const BINS = 64;
const QUARTERS = 4; // of a decade

function binsOf(values) {
  let [least, greatest, zeros] = [Infinity, -Infinity, 0];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < least) least = values[i];
    if (values[i] > greatest) greatest = values[i];
    if (values[i] === 0) zeros++;
  }
  return { least, greatest, zeros };
}

function magnitudesOf(values) {
  const found = new Map();
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) continue;
    const quarter = Math.floor(QUARTERS * Math.log10(Math.abs(values[i])));
    found.set(quarter, (found.get(quarter) ?? 0) + 1);
  }
  if (!found.size) return { exponents: [], counts: [] };
  const [first, last] = [Math.min(...found.keys()), Math.max(...found.keys())];
  const quarters = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return { exponents: quarters.map((quarter) => quarter / QUARTERS), counts: quarters.map((quarter) => found.get(quarter) ?? 0) };
}

// Null where a value is beyond all numbers.
export function distributionOf(values) {
  const { least, greatest, zeros } = binsOf(values);
  if (!Number.isFinite(greatest - least)) return null;
  const counts = new Array(BINS).fill(0);
  const width = (greatest - least) / BINS;
  for (let i = 0; i < values.length; i++) counts[width > 0 ? Math.min(BINS - 1, Math.floor((values[i] - least) / width)) : 0]++;
  const edges = Array.from({ length: BINS + 1 }, (_, index) => (index < BINS ? least + index * width : greatest));
  return { edges, counts, zeros, magnitudes: magnitudesOf(values) };
}
