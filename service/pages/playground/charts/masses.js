// What a distribution holds, ready to be drawn: its zeros apart, its bins with their density, and an axis for many.

const WIDE = 30; // sizes that differ by more are seen on an axis of magnitudes alone
const TAIL = 0.0005; // of the values: what lies further out does not stretch an axis
const STRETCH = 4; // nor does one that is so many times as wide as all others, which are alike: it is cut off

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

export const shareOfZeros = ({ counts, zeros }) => zeros / Math.max(1, sum(counts));

// Bins from the least value to the greatest: {from, middle, to, share, height}. Values of exactly 0 are left out.
export function positions(distribution, axis) {
  const total = Math.max(1, sum(distribution.counts));
  const [edges, counts] = axis === "magnitude" ? ofMagnitudes(distribution) : ofValues(distribution);
  return counts.map((count, index) => {
    const [from, to] = [edges[index], edges[index + 1]];
    return { from, middle: (from + to) / 2, to, share: count / total, height: count / total / (to - from) };
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

// Several histograms as one, {edges, counts}: what a bin counts is shared out evenly over where it lies.
export function pooled(histograms) {
  if (histograms.length === 1) return histograms[0];
  const low = Math.min(...histograms.map(({ edges }) => edges[0]));
  const high = Math.max(...histograms.map(({ edges }) => edges.at(-1)));
  const bins = histograms[0].counts.length;
  const edges = Array.from({ length: bins + 1 }, (_, index) => low + ((high - low) * index) / bins);
  const counts = new Array(bins).fill(0);
  const place = (value) => ((value - low) / (high - low)) * bins;
  for (const histogram of histograms)
    histogram.counts.forEach((count, index) => {
      const [from, to] = [place(histogram.edges[index]), place(histogram.edges[index + 1])];
      for (let bin = Math.floor(from); bin < Math.min(bins, to); bin += 1)
        counts[bin] += (count * (Math.min(to, bin + 1) - Math.max(from, bin))) / (to - from);
    });
  return { edges, counts };
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
  const most = withoutOne(ends.map(([from, to]) => Math.max(-from, to)));
  const [from, to] = [Math.max(-most, Math.min(0, low)), Math.min(most, Math.max(0, high))];
  const room = (to - from) * 0.02;
  return { low: from - room, high: to + room };
}

// How far an axis reaches: to the widest, but where all others are of one order and it is not.
function withoutOne(widths) {
  const sorted = [...widths].sort((one, other) => one - other);
  const [middle, second, widest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-2), sorted.at(-1)];
  return sorted.length > 3 && second <= STRETCH * middle ? Math.min(widest, STRETCH * second) : widest;
}
