// The curves that balls roll down: loss, slope and zones of each; what gradient descent makes of a start on them.

// So wide that no ball leaves the picture, from whatever start and at whatever rate: nothing has to stop it.
export const LEAST = -1.5;
export const MOST = 8.35;
export const TOP = 4.4;
export const STEPS = 60;
export const AT_REST = 0.01; // of a step's length: below it the ball is not seen to move
const FLAT = 0.05; // of a slope: there is nowhere to roll
const NEAR = 0.35; // how far from a minimum's floor a ball may rest

// Each curve is a function, its derivative, and the zones that the notes tell apart.
export const CURVES = {
  valleys: {
    at: (x) => 1.5 - 0.85 * well(x, 4.1, 0.85) - 1.25 * well(x, 6.4, 0.8) + wall(x) - 0.004 * x,
    slope: (x) => 0.85 * dip(x, 4.1, 0.85) + 1.25 * dip(x, 6.4, 0.8) + 16 * Math.max(0, x - 7.75) - 0.004,
    minima: [4.1, 6.4],
    zones: [
      ["low-gradient", LEAST, 2.3],
      ["normal", 2.3, 7.75],
      ["steep", 7.75, MOST],
    ],
  },
  bowl: {
    at: (x) => 0.15 + 0.11 * (x - 4.6) ** 2,
    slope: (x) => 0.22 * (x - 4.6),
    minima: [4.6],
    zones: [["normal", LEAST, MOST]],
  },
};
const well = (x, centre, width) => Math.exp(-(((x - centre) / width) ** 2));
const dip = (x, centre, width) => ((2 * (x - centre)) / width ** 2) * well(x, centre, width);
const wall = (x) => 8 * Math.max(0, x - 7.75) ** 2;

export const clamp = (x) => Math.min(MOST, Math.max(LEAST, x));

export function descend(curve, start, rate) {
  const path = [start];
  for (let step = 0; step < STEPS; step += 1) path.push(path.at(-1) - rate * CURVES[curve].slope(path.at(-1)));
  return path;
}

// What became of a ball after all its steps.
export function fateOf(curve, path) {
  const steps = path.slice(1).map((x, index) => x - path[index]);
  const last = steps.at(-1);
  if (Math.abs(last) >= AT_REST) return last * steps.at(-2) < 0 ? "swings" : "on-its-way";
  const floor = CURVES[curve].minima.find((minimum) => Math.abs(path.at(-1) - minimum) < NEAR);
  if (floor !== undefined) return floor === downhill(curve, path[0]) ? "nearest" : "thrown";
  if (Math.abs(CURVES[curve].slope(path.at(-1))) > FLAT) return "on-its-way"; // slow, but not at an end
  return steps.every((step) => Math.abs(step) < AT_REST) ? "stays" : "stranded";
}

// The minimum that a walk downhill without a jump leads to.
function downhill(curve, x) {
  const way = -Math.sign(CURVES[curve].slope(x));
  const ahead = CURVES[curve].minima.filter((minimum) => (minimum - x) * way > -NEAR);
  return ahead.sort((one, other) => Math.abs(one - x) - Math.abs(other - x))[0];
}

export const zoneOf = (curve, x) => CURVES[curve].zones.find(([, low, high]) => x >= low && x <= high)[0];

// Where balls stand once one of them was moved; a hand puts them to a hundredth.
export const moved = (positions, ball, to) =>
  positions.map((x, index) => (index === ball ? Number(clamp(to(x)).toFixed(2)) : x));
