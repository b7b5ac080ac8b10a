// How values are distributed, as the service tells it: how many lie where between the least and the greatest, and how
// many are of which size. Values that are not finite are left out; null where all are.
const BINS = 64;
const QUARTERS = 4; // of a decade
const MOST_MAGNITUDES = 128; // bins, of which the first takes what is smaller still

// The least and the greatest of the values, and of their magnitudes but for zeros.
function extentOf(values) {
  let [least, greatest, smallest, largest] = [Infinity, -Infinity, Infinity, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    const size = Math.abs(value);
    if (size > 0 && size < smallest) smallest = size;
    if (size > largest) largest = size;
  }
  return { least, greatest, smallest, largest };
}

// Edges of bins of equal width; about what is the same everywhere as well.
function edgesBetween(least, greatest, bins) {
  if (least === greatest) {
    const room = Math.max(0.5, Math.abs(least) / 2);
    return edgesBetween(Math.max(least - room, -Number.MAX_VALUE), Math.min(greatest + room, Number.MAX_VALUE), bins);
  }
  if (greatest - least === Infinity) return edgesBetween(least / 2, greatest / 2, bins).map((edge) => 2 * edge);
  const step = (greatest - least) / bins;
  return Array.from({ length: bins + 1 }, (_, index) => (index < bins ? index * step + least : greatest));
}

// Bins are closed below, the last one above too; the outer ones take what lies beyond.
export function counted(values, edges) {
  const last = edges.length - 2;
  const perUnit = (last + 1) / (edges[last + 1] - edges[0]);
  const counts = new Array(last + 1).fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    let place = Math.max(0, Math.min(last, Math.floor((value - edges[0]) * perUnit) || 0)); // 0 where edges are too near or too far
    while (place > 0 && value < edges[place]) place--;
    while (place < last && value >= edges[place + 1]) place++;
    counts[place]++;
  }
  return counts;
}

export function histogramOf(values, bins = BINS) {
  const { least, greatest } = extentOf(values);
  if (least > greatest) return null;
  const edges = edgesBetween(least, greatest, bins);
  return { edges, counts: counted(values, edges) };
}

const quarterOf = (size) => Math.floor(Math.log10(size) * QUARTERS);

// `exponents` are the edges of bins, log10, a quarter apart.
function magnitudesOf(values, { smallest, largest }) {
  if (smallest > largest) return { exponents: [], counts: [] };
  const last = quarterOf(largest);
  const first = Math.max(quarterOf(smallest), last + 1 - MOST_MAGNITUDES);
  const counts = new Array(last + 1 - first).fill(0);
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > 0 && size < Infinity) counts[Math.max(0, quarterOf(size) - first)]++;
  }
  return { exponents: Array.from({ length: counts.length + 1 }, (_, step) => (first + step) / QUARTERS), counts };
}

const sum = (counts) => counts.reduce((found, count) => found + count, 0);

// `zeros` are counted in the bins too.
export function distributionOf(values) {
  const extent = extentOf(values);
  if (extent.least > extent.greatest) return null;
  const edges = edgesBetween(extent.least, extent.greatest, BINS);
  const counts = counted(values, edges);
  const magnitudes = magnitudesOf(values, extent);
  return { edges, counts, zeros: sum(counts) - sum(magnitudes.counts), magnitudes };
}
