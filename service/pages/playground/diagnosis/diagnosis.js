// The diagnosis: the verdict in words with what to change, sizes by layer, histograms, and each layer's reason.
import { attentionSection, blocksSection, hasBlocks } from "./blocks.js";
import { compareWith } from "../compare/sides.js";
import { focusOn, h, keeper, replace } from "../frame/dom.js";
import { number, t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { depthFigure, depthScale, everyButton, histogramFigure, isConstant, parametersOf, WAYS } from "../charts/pictures.js";
import { problemBox, readdressed } from "../frame/problems.js";
import { describeScheme, differences, layersOf, nameOf } from "../network/spec.js";
import { edit } from "../frame/state.js";
import { counted } from "../live/near.js";
import { weightsSection } from "../live/weights.js";
import { reasonsSection } from "./reasons.js";
import { spoken, summaryOf, warningText } from "../words/spoken.js";
import { studies } from "./studies.js";
import { mark, pill } from "./verdicts.js";
import { past, waiting } from "../frame/waiting.js";

const keep = keeper(); // what an answer shows is drawn once
const SHOWN = 12; // histograms, until all are asked for
const GAP = 20;
const PHONE = 500;
const WIDE = 720; // a panel this wide holds two charts side by side

export const ASKS = ["stack"];

export function render(root, { shared, answers, catalogue, every, studies: studied }) {
  const answer = answers.stack;
  const width = root.clientWidth;
  replace(
    root,
    h("h2", { class: "unseen" }, t("view.diagnosis")),
    readdressed(answer.problems, shared.spec).map((problem) => problemBox(problem, shared.spec, counted(answer) !== null)),
    answer.diagnosis ? banner(answer, shared.spec, catalogue) : !answer.problems.length && waiting({ class: "card", tabindex: -1, "data-key": "verdict" }),
    depthsNowOrBefore(answer, width),
    answer.diagnosis && keep("blocks", [answer.diagnosis, width], () => blockByBlock(answer.diagnosis, width)),
    answer.statistics && warnings(answer.statistics.warnings, shared.spec),
    histogramsNowOrBefore(answer, every, width),
    weightsSection({ shared, answers }, width),
    answer.diagnosis && !hasBlocks(answer.diagnosis) && keep("reasons", [answer.diagnosis], () => reasonsSection(answer.diagnosis)),
    studies({ shared, answers, studies: studied }, width),
  );
}

// The pictures of the last answer stay, faded and out of reach, until there are new ones; nothing is said of them.
function depthsNowOrBefore({ diagnosis, near, before }, width) {
  if (diagnosis) return depths(diagnosis, width, true);
  if (near?.diagnosis) return depths(near.diagnosis, width, false);
  return before?.diagnosis && past(depths(before.diagnosis, width, false));
}

function histogramsNowOrBefore({ before, ...answer }, every, width) {
  const statistics = counted(answer);
  if (statistics) return histograms(statistics, every, width);
  return before?.statistics && past(histograms(before.statistics, every, width));
}

function blockByBlock(diagnosis, width) {
  const room = Math.max(280, (width >= WIDE ? (width - GAP) / 2 : width) - 36);
  return [hasBlocks(diagnosis) && blocksSection(diagnosis, room), attentionSection(diagnosis)];
}

function banner({ diagnosis, statistics }, spec, { schemes }) {
  const { verdict, inputs } = diagnosis;
  return h(
    "section",
    {
      class: `card verdict is-${verdict}`,
      "aria-labelledby": "verdict-title",
      tabindex: -1,
      "data-key": "verdict",
    },
    mark(verdict, 44),
    h(
      "div",
      { class: "verdict-words" },
      h("h3", { id: "verdict-title" }, t(`verdict.${verdict}`)),
      alsoOf(diagnosis),
      h("p", {}, spoken(summaryOf(diagnosis))),
      inputs?.shape
        ? h(
            "p",
            { class: "note" },
            t("verdict.inputs", { kind: t(`inputs.${inputs.kind}`), shape: inputs.shape.join(" × ") }),
          )
        : null,
      atTheTop(diagnosis),
    ),
    diagnosis.try ? remedy(diagnosis.try, differences(spec, diagnosis.try, { schemes, statistics })) : null,
  );
}

// Whether outputs of two inputs still differ where the network ends.
function atTheTop({ output }) {
  if (!output || output.distance === null || output.distance === undefined) return null;
  const before = output.inputs_correlation;
  const words = {
    distance: number(output.distance),
    correlation: number(output.correlation),
    inputs: Number.isFinite(before) ? t("verdict.output.inputs", { correlation: number(before) }) : "",
  };
  const places = output.places_distance;
  const alike = Number.isFinite(places) ? ` ${t("verdict.places", { distance: number(places) })}` : "";
  return h("p", { class: "note" }, t("verdict.output", words), alike);
}

// What holds beside the verdict: of zeros, which are dead, also that all units are the same; of a normal start its drift.
function alsoOf({ verdict, code, layers }) {
  const others = new Set(layers.flatMap((layer) => layer.also).filter((other) => other !== verdict));
  if (!others.size && code !== "drifts") return null;
  return h(
    "p",
    { class: "also" },
    [...others].map((other) => [t("verdict.also"), pill(other)]),
    code === "drifts" ? h("span", { class: "pill drifting" }, icon("wrong"), t("verdict.drifts")) : null,
  );
}

function remedy(remedied, rows) {
  return h(
    "div",
    { class: "remedy" },
    h("h4", {}, t("try.title")),
    h(
      "ul",
      {},
      rows.map(({ field, from, to, layers }) =>
        h(
          "li",
          {},
          h("code", {}, t(`field.${field}`)),
          " ",
          from,
          " → ",
          h("strong", {}, to),
          " ",
          h(
            "span",
            { class: "note" },
            t("try.layers", {
              count: layers.length,
              names: layers.length > 2 ? `${layers[0]} … ${layers.at(-1)}` : layers.join(", "),
            }),
          ),
        ),
      ),
    ),
    h(
      "button",
      { type: "button", class: "main", "data-key": "try", onclick: () => apply(remedied) },
      icon("yes"),
      t("try.apply"),
    ),
    h(
      "button",
      { type: "button", class: "quiet", "data-key": "try-compare", onclick: () => compareWith(remedied) },
      t("try.compare"),
    ),
  );
}

function apply(spec) {
  edit("try", (shared) => (shared.spec = structuredClone(spec)));
  focusOn("verdict");
}

const depths = (diagnosis, width, judged) => keep("depths", [diagnosis, width, judged], () => depthFigures(diagnosis, width, judged));

function depthFigures(diagnosis, width, judged) {
  const room = width >= WIDE ? (width - GAP) / 2 : width;
  return h(
    "div",
    { class: "pair depths" },
    WAYS.map((way) =>
      h(
        "div",
        { class: "card" },
        depthFigure(diagnosis, way, depthScale([diagnosis], way), {
          key: way,
          width: Math.max(280, (way === "slope" ? width : room) - 36),
          title: t(`depth.${way}`),
          judged,
        }),
      ),
    ),
  );
}

function warnings(found, spec) {
  if (!found.length) return null;
  const rows = new Map();
  for (const warning of found) {
    const text = JSON.stringify([warning.code, warning.detail, warning.try]);
    if (!rows.has(text)) rows.set(text, { warning, layers: [] });
    rows.get(text).layers.push(Number(/^\/layers\/(\d+)/.exec(warning.pointer)?.[1] ?? -1));
  }
  return h(
    "section",
    { class: "card warnings", "aria-labelledby": "warnings-title" },
    h("h3", { id: "warnings-title" }, icon("wrong"), t("warnings.title")),
    h(
      "ul",
      {},
      [...rows.values()].map(({ warning, layers }) =>
        warningRow(
          warning,
          layers.filter((index) => index in layersOf(spec)),
          spec,
        ),
      ),
    ),
  );
}

function warningRow(warning, layers, spec) {
  const names = [...new Set(layers)].map((index) => nameOf(layersOf(spec), index));
  const change = Object.entries(warning.try ?? {})
    .map(([field, value]) => `${t(`field.${field}`)}: ${describeScheme(value)}`)
    .join(", ");
  return h(
    "li",
    {},
    h(
      "span",
      {},
      names.length
        ? h("strong", {}, `${names.length > 3 ? `${names[0]} … ${names.at(-1)}` : names.join(", ")}: `)
        : null,
      spoken(warningText(warning)),
    ),
    change && layers.length
      ? h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `warning-${warning.code}-${layers[0]}`,
            onclick: () => applyTo(layers, warning.try),
          },
          t("warnings.use", { change }),
        )
      : null,
  );
}

function applyTo(indices, change) {
  edit("warning", (shared) => {
    const layers = structuredClone(shared.spec.layers);
    for (const index of indices) Object.assign(layers[index], change);
    shared.spec = { ...shared.spec, layers };
  });
  focusOn("verdict");
}

const histograms = (statistics, every, width) => keep("histograms", [statistics, every, width], () => histogramFigures(statistics, every, width));

function histogramFigures(statistics, every, width) {
  const parameters = parametersOf(statistics);
  const [constant, drawn] = [parameters.filter(isConstant), parameters.filter((parameter) => !isConstant(parameter))];
  const shown = every ? drawn : drawn.slice(0, SHOWN);
  return h(
    "section",
    { class: "card", "aria-labelledby": "histograms-title" },
    h("h3", { id: "histograms-title" }, t("histogram.title")),
    h("p", { class: "note" }, t("histogram.note")),
    h(
      "div",
      { class: "histograms" },
      shown.map((parameter) => histogramFigure(parameter, { key: parameter.path, width: width < PHONE ? 140 : 250 })),
    ),
    everyButton(drawn.length, SHOWN, every),
    constant.length ? h("p", { class: "constants" }, t("histogram.constant"), " ", constantGroups(constant)) : null,
  );
}

function constantGroups(parameters) {
  const groups = Map.groupBy(parameters, ({ statistics }) => statistics.mean);
  return [...groups].map(([value, members]) =>
    h(
      "span",
      { class: "constant" },
      h("strong", {}, `= ${number(value)}`),
      ` ${members.length > 3 ? t("histogram.many", { first: members[0].path, count: members.length - 1 }) : members.map(({ path }) => path).join(", ")}`,
    ),
  );
}
