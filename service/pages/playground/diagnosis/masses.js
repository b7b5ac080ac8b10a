// What a distribution holds, ready to be drawn: its zeros apart, its bins with their density, and an axis for many.

const WIDE = 30; // sizes that differ by more are seen on an axis of magnitudes alone
const TAIL = 0.0005; // of the values: what lies further out does not stretch an axis

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

export const shareOfZeros = ({ counts, zeros }) => zeros / Math.max(1, sum(counts));

// Bins from the least value to the greatest: {from, middle, to, share, height}. Values of exactly 0 are left out.
export function positions(distribution, axis) {
  const total = Math.max(1, sum(distribution.counts));
  const [edges, counts] = axis === "magnitude" ? ofMagnitudes(distribution) : ofValues(distribution);
  return counts.map((count, index) => {
    const [from, to] = [edges[index], edges[index + 1]];
    return { from, middle: (from + to) / 2, to, share: count / total, height: count / (to - from) };
  });
}

const ofMagnitudes = ({ magnitudes }) => [magnitudes.exponents, magnitudes.counts];

function ofValues({ edges, counts, zeros }) {
  const last = counts.length - 1;
  const holder = edges.findIndex((edge, index) => edge <= 0 && (0 < edges[index + 1] || index === last));
  return [edges, counts.map((count, index) => (index === holder ? Math.max(0, count - zeros) : count))];
}

// Where the bins lie that hold nearly all.
function body(bins) {
  const total = sum(bins.map(({ share }) => share));
  let [first, last, before, after] = [0, bins.length - 1, 0, 0];
  while (first < last && before + bins[first].share <= TAIL * total) before += bins[first++].share;
  while (last > first && after + bins[last].share <= TAIL * total) after += bins[last--].share;
  return [bins[first].from, bins[last].to];
}

// The axis that shows all of them: linear while their sizes are of one order.
export function axisOf(diagnoses, way) {
  const sizes = diagnoses.flat().map((layer) => layer[way]?.rms).filter((rms) => rms > 0);
  return Math.max(...sizes) > WIDE * Math.min(...sizes) ? "magnitude" : "linear";
}

// The range that holds them, {low, high}: of magnitudes as powers of ten.
export function reachOf(diagnoses, way, axis) {
  const ends = diagnoses
    .flat()
    .filter((layer) => layer[way]?.distribution)
    .map((layer) => positions(layer[way].distribution, axis))
    .filter((bins) => sum(bins.map(({ share }) => share)) > 0)
    .map(body);
  if (!ends.length) return { low: -1, high: 1 };
  const [low, high] = [Math.min(...ends.map(([from]) => from)), Math.max(...ends.map(([, to]) => to))];
  if (axis === "magnitude") return { low, high: high > low ? high : low + 1 };
  const zero = [Math.min(0, low), Math.max(0, high)]; // from where all is measured
  const room = (zero[1] - zero[0]) * 0.02;
  return { low: zero[0] - room, high: zero[1] + room };
}
