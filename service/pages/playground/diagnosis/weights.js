// The weights as they start: a ridge for each distribution, drawn once for all arrays that share it; one array large.
import { figure, lineSample, areaSample } from "../charts/charts.js";
import { groupsOf, together } from "../charts/groups.js";
import { pooled, positions, reachOf } from "../charts/masses.js";
import { histogramFigure, isConstant, parametersOf } from "../charts/pictures.js";
import { isCut, ridges, ridgesHeight } from "../charts/ridge.js";
import { h } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { explained } from "../glossary/glossary.js";
import { selectField } from "../network/fields.js";
import { number, t, whole } from "../words/language.js";
import { density } from "./theory.js";

const MOST = 24; // ridges

export const weightsHeight = (statistics) => ridgesHeight(Math.min(MOST, distributionsOf(statistics).length)) + 330;

export function weightsSection(statistics, large, width) {
  const parameters = parametersOf(statistics);
  const constant = parameters.filter(isConstant);
  const groups = distributionsOf(statistics);
  return h(
    "section",
    { class: "card weights", "aria-labelledby": "weights-title" },
    h("h3", { id: "weights-title" }, t("weights.title")),
    h("p", { class: "note" }, explained(t("weights.note"), "weights")),
    groups.length ? weightsFigure(groups, parameters, width) : null,
    constant.length ? h("p", { class: "constants" }, t("histogram.constant"), " ", constantsOf(constant, parameters)) : null,
    parameters.length > constant.length ? oneOf(parameters, large, width) : null,
  );
}

const drawn = (statistics) => parametersOf(statistics).filter((parameter) => !isConstant(parameter));

// Arrays of one scheme with the same formula have one distribution, whatever their names and shapes.
const distributionsOf = (statistics) =>
  groupsOf(drawn(statistics), ({ name, scheme, formula, statistics: { expected } }) => [name, scheme.name, formula, expected.std?.toPrecision(4), expected.max]);

// A kernel is called by its layer.
function named(members, parameters) {
  const calls = ({ path, name }) => (name === "kernel" ? path.slice(0, -"/kernel".length) : path);
  return together(members.map(calls), parameters.filter(({ name }) => name === members[0].name).map(calls));
}

function weightsFigure(groups, parameters, width) {
  const shown = groups.slice(0, MOST);
  const rows = shown.map((members) => rowOf(members, named(members, parameters)));
  const layers = rows.map(({ distribution }) => ({ weights: { distribution } }));
  const title = t("weights.ridges");
  const range = reachOf([layers], "weights", "linear");
  const chart = ridges({
    rows,
    kind: "linear",
    reach: range,
    width,
    label: t("weights.text", { values: rows.map(({ name, deviation }) => `${name} ${number(deviation)}`).join("; ") }),
    axis: t("weights.value"),
    heads: ["σ"],
  });
  const notes = [
    shown.length < groups.length && t("weights.chosen", { count: shown.length, total: groups.length }),
    equalOnes(groups, parameters),
    rows.some((row) => isCut(row, range)) && t("ridges.cut"),
  ].filter(Boolean);
  return figure({
    key: "weights",
    title,
    chart: chart.svg,
    entries: [
      { sample: areaSample("ridge-sample is-unknown"), text: t("weights.drawn") },
      ...(rows.some(({ curve }) => curve) ? [{ sample: lineSample("curve"), text: t("weights.promised") }] : []),
    ],
    note: notes.join(" ") || null,
    table: tableOf(parameters, title),
  });
}

function rowOf(members, name) {
  const { edges, counts } = pooled(members.map(({ statistics }) => statistics.histogram));
  const distribution = { edges, counts, zeros: 0 };
  const deviation = Math.sqrt(members.reduce((sum, { statistics: { count, std } }) => sum + count * std ** 2, 0) / members.reduce((sum, { statistics: { count } }) => sum + count, 0));
  const [{ scheme, formula }] = members;
  return {
    name,
    distribution,
    deviation,
    bins: positions(distribution, "linear"),
    zero: 0,
    curve: density(members[0]),
    cells: [number(deviation)],
    told: [`${scheme.name}, σ ${number(deviation)}`, formula.length < 40 ? formula : null, members.length > 1 ? t("weights.arrays", { count: members.length }) : null].filter(Boolean),
  };
}

// "fc2 … fc7: the same distribution"
const equalOnes = (groups, parameters) =>
  groups
    .filter((members) => members.length > 1)
    .slice(0, 3)
    .map((members) => t("weights.same", { names: named(members, parameters), count: members.length }))
    .join(" ");

function tableOf(parameters, caption) {
  return {
    caption,
    columns: [t("weights.array"), t("field.scheme"), t("histogram.count"), t("depth.mean"), "σ", t("histogram.expected"), t("ridges.least"), t("ridges.greatest")],
    rows: parameters.map(({ path, scheme, statistics: { count, mean, std, min, max, expected } }) => [
      path,
      scheme.name,
      whole(count),
      ...[mean, std, expected.std, min, max].map(number),
    ]),
  };
}

function constantsOf(constant, parameters) {
  return groupsOf(constant, ({ statistics }) => statistics.mean).map((members) =>
    h("span", { class: "constant" }, h("strong", {}, `= ${number(members[0].statistics.mean)}`), ` ${named(members, parameters)}`),
  );
}

// One array's histogram, as large as there is room.
function oneOf(parameters, large, width) {
  const one = parameters.find(({ path }) => path === large);
  const options = parameters.filter((parameter) => !isConstant(parameter)).map(({ path }) => [path, path]);
  return h(
    "div",
    { class: "one-array" },
    selectField({
      key: "weights/array",
      label: t("weights.one"),
      value: one ? large : "",
      options: [["", t("weights.none")], ...options],
      set: (path) => edit("array", (shared) => (shared.array = path)),
    }),
    one && !isConstant(one) ? histogramFigure(one, { key: `large-${one.path}`, width, height: 240 }) : null,
  );
}
