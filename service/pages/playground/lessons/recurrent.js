// Why Keras starts recurrent weights orthogonal: the length of a state that one matrix multiplies again and again.
import { Chart, figure, linear, lineSample, logarithmic } from "../charts/charts.js";
import { number, t } from "../words/language.js";
import { arrays } from "../live/live.js";

const UNITS = 32;
const TIMES = 60;
const DRAWS = ["1", "2", "3", "4", "5"]; // seeds

const glorot = (seed) => {
  const layer = { name: "recurrent", type: "dense", shape: [UNITS, UNITS], scheme: "glorot_uniform" };
  return Float64Array.from(arrays({ seed, layers: [layer] }).get("recurrent/kernel").data);
};

// Rows of a random matrix made orthonormal one after the other (Gram and Schmidt).
function orthogonal(seed) {
  const matrix = glorot(seed);
  const row = (index) => matrix.subarray(index * UNITS, (index + 1) * UNITS);
  const along = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);
  for (let index = 0; index < UNITS; index++) {
    for (let before = 0; before < index; before++) {
      const share = along(row(index), row(before));
      row(index).forEach((_, place) => (row(index)[place] -= share * row(before)[place]));
    }
    const length = Math.hypot(...row(index));
    row(index).forEach((_, place) => (row(index)[place] /= length));
  }
  return matrix;
}

export function lengths(matrix) {
  let state = new Float64Array(UNITS).fill(1 / Math.sqrt(UNITS));
  return Array.from({ length: TIMES + 1 }, (_, time) => {
    if (time) {
      const next = new Float64Array(UNITS);
      for (let i = 0; i < UNITS; i++) for (let j = 0; j < UNITS; j++) next[j] += state[i] * matrix[i * UNITS + j];
      state = next;
    }
    return Math.hypot(...state);
  });
}

export function recurrentFigure({ width, height }) {
  const title = t("lesson.recurrent.title");
  const runs = { glorot: DRAWS.map((seed) => lengths(glorot(seed))), orthogonal: DRAWS.map((seed) => lengths(orthogonal(seed))) };
  const range = (rows) => [Math.min(...rows.map((row) => row.at(-1))), Math.max(...rows.map((row) => row.at(-1)))].map(number);
  const [low, high] = range(runs.glorot);
  const chart = new Chart({
    width,
    height,
    label: t("lesson.recurrent.text", { low, high, times: TIMES }),
    x: { scale: linear(0, TIMES), label: t("lesson.recurrent.time") },
    y: { scale: logarithmic(1e-4, 1e4), label: t("lesson.recurrent.length") },
  });
  for (const row of runs.glorot) chart.line(row.map((length, time) => [time, length]), "size is-glorot");
  for (const row of runs.orthogonal) chart.line(row.map((length, time) => [time, length]), "size is-own");
  const times = [0, 10, 20, 40, TIMES];
  return figure({
    key: "lesson-recurrent",
    title,
    chart: chart.svg,
    note: t("lesson.recurrent.note", { low, high, times: TIMES }),
    entries: [
      { sample: lineSample("size is-own"), text: t("lesson.recurrent.orthogonal") },
      { sample: lineSample("size is-glorot"), text: t("lesson.recurrent.glorot") },
    ],
    table: {
      caption: title,
      columns: [t("lesson.recurrent.time"), ...DRAWS.map((seed) => `orthogonal ${seed}`), ...DRAWS.map((seed) => `glorot ${seed}`)],
      rows: times.map((time) => [`${time}`, ...[...runs.orthogonal, ...runs.glorot].map((row) => number(row[time]))]),
    },
  });
}
