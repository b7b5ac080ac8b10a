// Block by block: how the stream of residuals grows, what its branches add, attention, and each block's layers to open.
import { Chart, figure, folded, linear, lineSample, logarithmic, numbers, reach } from "../charts/charts.js";
import { runsOf } from "../charts/groups.js";
import { h, svg } from "../frame/dom.js";
import { explained, term } from "../glossary/glossary.js";
import { number, percent, t } from "../words/language.js";
import { sections } from "../network/graph.js";
import { isJudged } from "../charts/pictures.js";
import { reasonTable, runName } from "./reasons.js";
import { spoken, studyText } from "../words/spoken.js";
import { mark, markAt, SEVERITY } from "./verdicts.js";

const FEW = 12; // layers up to which all sections stand open
const ALIKE = 3; // blocks from which equal ones are told together

export const hasBlocks = ({ blocks }) => Boolean(blocks?.length);

export function blocksSection(diagnosis, width) {
  const found = sections(diagnosis);
  const open = diagnosis.layers.length <= FEW;
  return h(
    "section",
    { class: "card reasons", "aria-labelledby": "blocks-title" },
    h("h3", { id: "blocks-title" }, t("blocks.title")),
    h("p", { class: "note" }, explained(t("blocks.note"), "blocks")),
    (diagnosis.streams ?? []).map(streamWords),
    h("div", { class: "pair block-figures" }, [streamFigure, shareFigure].map((draw) => draw(diagnosis, width))),
    h("div", { class: "folds" }, runsOf(found, sameAs).map((run) => runFold(run, open))),
  );
}

// How a stream grows, and of which blocks where there is more than one stream.
function streamWords({ first, last, summary }, _, { length }) {
  return h("p", { class: "stream-words" }, length > 1 ? h("strong", {}, `${first} … ${last}: `) : null, spoken(studyText({ summary })), ".");
}

// Blocks with as many layers and one verdict are told together; what is between blocks stands alone.
const sameAs = ({ block, layers }) => (block ? [block.verdict, layers.length, block.branches.length] : layers[0].name);

function runFold(run, open) {
  if (run.length < ALIKE) return run.map((section) => sectionFold(section, open));
  const [first, last] = [run[0].block, run.at(-1).block];
  return fold(
    {
      name: `${first.name} … ${last.name}`,
      verdict: first.verdict,
      about: `${t("blocks.alike", { count: run.length })}; ${through(first.stream?.in, last.stream?.out)}`,
    },
    open,
    () => run.map((section) => sectionFold(section, false)),
  );
}

function sectionFold({ block, layers }, open) {
  const name = block ? block.name : between(layers);
  const about = { name, verdict: block ? block.verdict : worstOf(layers), about: block ? sizesOf(block) : outside(layers) };
  return fold(about, open, () => reasonTable(layers, name));
}

function fold({ name, verdict, about }, open, make) {
  return folded(
    { class: "fold", "data-key": `fold-${name}`, open },
    [
      verdict ? mark(verdict, 13) : h("span", { class: "no-mark" }),
      h("strong", {}, name),
      verdict && h("span", { class: "unseen" }, t(`verdict.${verdict}`)),
      h("span", { class: "note" }, about),
    ],
    make,
  );
}

const outside = (layers) => (layers.length === 1 ? layers[0].type : t("blocks.layers", { count: layers.length }));

const worstOf = (layers) => SEVERITY.find((verdict) => layers.some((layer) => isJudged(layer) && layer.verdict === verdict));

export const between = (layers) => (layers.length === 1 ? layers[0].name : `${layers[0].name} … ${layers.at(-1).name}`);

function sizesOf({ stream, branches }) {
  const shares = branches.map(({ share }) => number(share)).join(", ");
  const passes = through(stream?.in, stream?.out);
  return shares ? `${passes}; ${t("blocks.shares", { shares })}` : passes;
}

const through = (from, to) => t("blocks.through", { from: number(from), to: number(to) });

const size = (value) => value ?? NaN;

function axisOf(blocks) {
  const step = Math.ceil(blocks.length / 10);
  return {
    scale: linear(0.5, blocks.length + 0.5),
    ticks: blocks.map((_, index) => index + 1).filter((place) => (place - 1) % step === 0),
    format: (place) => `${place}`,
    label: t("blocks.block"),
  };
}

function streamFigure({ blocks }, width) {
  const forward = blocks.map(({ stream }, index) => [index + 1, size(stream?.out)]);
  const backward = blocks.map(({ gradient }, index) => [index + 1, size(gradient?.out)]);
  const values = [...forward, ...backward].map(([, value]) => value);
  const title = t("blocks.stream");
  const chart = new Chart({
    width,
    height: 220,
    zero: values.includes(0),
    label: t("depth.text", { title, values: blocks.map(({ name }, index) => `${name} ${number(forward[index][1])}`).join("; ") }),
    x: axisOf(blocks),
    y: { scale: logarithmic(...reach(values)), label: "rms" },
  });
  chart.line(backward, "theory", t("blocks.backward")).line(forward, "stream", t("blocks.forward"));
  blocks.forEach(({ name, verdict }, index) => putMark(chart, verdict, forward[index], `${name}: ${number(forward[index][1])}`));
  const table = {
    caption: title,
    columns: [t("blocks.block"), t("blocks.in"), t("blocks.out"), t("blocks.gradient-in"), t("blocks.gradient-out")],
    rows: blocks.map(({ name, stream, gradient }) => [name, ...[stream?.in, stream?.out, gradient?.in, gradient?.out].map(number)]),
  };
  const entries = [
    { sample: lineSample("stream"), text: t("blocks.forward") },
    { sample: lineSample("theory"), text: t("blocks.backward") },
  ];
  return figure({ key: "stream", title, chart: chart.svg, entries, table });
}

function shareFigure({ blocks }, width) {
  const dots = blocks.flatMap(({ branches }, index) =>
    branches.map((branch, place) => [index + 1 + (place - (branches.length - 1) / 2) * 0.22, size(branch.share), branch]),
  );
  const shares = dots.map(([, share]) => share);
  const title = t("blocks.share");
  const chart = new Chart({
    width,
    height: 220,
    zero: shares.includes(0),
    label: t("depth.text", { title, values: dots.map(([, share, { at }]) => `${at} ${number(share)}`).join("; ") }),
    x: axisOf(blocks),
    y: { scale: logarithmic(...reach([...shares, 1])) },
  });
  for (const [place, share, { at }] of dots.filter(([, each]) => Number.isFinite(each))) {
    const title = svg("title", {}, `${at}: ${number(share)}`);
    chart.add("circle", { class: "share", cx: chart.X(place).toFixed(1), cy: chart.Y(share).toFixed(1), r: 3.4 }, title);
  }
  chart.reads(() => [dots.map(([place, share, { at, layers }]) => ({ x: chart.X(place), y: chart.Y(share), words: [at, t("blocks.read", { share: number(share) }), layers.join(", ")] }))]);
  const table = {
    caption: title,
    columns: [t("blocks.at"), t("blocks.shortcut"), t("blocks.share"), t("stack.title")],
    rows: dots.map(([, share, { at, shortcut, layers }]) => [at, shortcut ?? "–", number(share), layers.join(", ")]),
  };
  return figure({ key: "shares", title, chart: chart.svg, note: t("blocks.share.note"), table });
}

function putMark(chart, verdict, [place, value], title) {
  if (!Number.isFinite(value)) return;
  const point = markAt(verdict, chart.X(place), chart.Y(value), 9);
  point.append(svg("title", {}, title));
  chart.svg.append(point);
}

// How evenly each attention layer looks: 1 is at everything alike, near 0 at one place alone.
export function attentionSection({ attention }) {
  if (!attention?.length) return null;
  const title = t("attention.title");
  return h(
    "section",
    { class: "card reasons", "aria-labelledby": "attention-title" },
    h("h3", { id: "attention-title" }, title),
    h("p", { class: "note" }, explained(t("attention.note"), "attention-note")),
    attentionTable(attention, title),
  );
}

// Neighbours that look about as evenly stand in one row, with the least and the greatest of them.
function attentionTable(attention, caption) {
  const runs = runsOf(attention, ({ heads, entropy }) => [heads, percent(entropy)]);
  const range = (run, of) => [...new Set(ends(run.map(of)).map(number))].join(" – ");
  return numbers({
    caption,
    columns: [t("layer"), t("size.heads"), term("entropy", "attention"), [term("logits", "attention"), `, ${t("attention.std")}`], t("attention.max")],
    rows: runs.map((run) => [
      runName(run),
      `${run[0].heads ?? "–"}`,
      meter(run[0].entropy),
      range(run, ({ logits }) => logits?.std ?? NaN),
      range(run, ({ logits }) => logits?.max ?? NaN),
    ]),
  });
}

const ends = (values) => [Math.min(...values), Math.max(...values)];

function meter(share) {
  const known = Number.isFinite(share);
  return h(
    "span",
    { class: "meter" },
    svg(
      "svg",
      { viewBox: "0 0 60 8", width: 60, height: 8, "aria-hidden": "true" },
      svg("rect", { class: "meter-whole", width: 60, height: 8, rx: 2 }),
      known ? svg("rect", { class: "meter-part", width: Math.max(0, Math.min(60, 60 * share)), height: 8, rx: 2 }) : null,
    ),
    known ? percent(share) : "–",
  );
}
