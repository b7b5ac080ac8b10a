// What a diagnosis comes to in plain sentences, made of its numbers, so that each language says as much as the other.
import "./words.js";
import { language, number, part, percent, span, t, times, told } from "./language.js";

const KEPT = 4; // how far sizes may part on their way and still be said to be kept
const STEADY = 0.8; // of all steps of a trend, how many go its way

// Of one layer, or of several that have their verdict for the same reason; null where this page has no words for it.
export function reasonFor(layers) {
  const [{ verdict, code, forward, also, judged_by }] = layers;
  const key = `reason.${verdict}.${code}${VARIANT[`${verdict}.${code}`]?.({ forward, judged_by, layers }) ?? ""}`;
  if (!told(key)) return null;
  const besides = (also ?? []).map((other) => `reason.${verdict}.${code}.also.${other}`).filter(told);
  return [capital(t(key, valuesOf(layers))), ...besides.map((other) => t(other))].join(" ");
}

const isZero = ({ forward }) => (forward?.rms === 0 ? ".zero" : "");
const VARIANT = {
  "dead.never-moves": isZero,
  "symmetric.stays-alike": ({ layers }) => (layers.every((layer) => alike(layer) === 1) ? "" : ".some"),
  "normal.waits": ({ judged_by }) => (judged_by?.slope > 0 ? ".small" : ""),
};

// How many units stay different: a training of some steps may know better than what is seen at the start.
const alike = ({ reason, forward }) => {
  if (/ compute the same and /.test(reason)) return 1;
  return Number(/ compute only (\d+) different /.exec(reason)?.[1] ?? forward?.distinct);
};

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const factorIn = (reason) => {
  const [, digits, exponent = ""] = /([\d.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))? times/.exec(reason) ?? [];
  return Number(`${digits}e${[...exponent].map((letter) => (letter === "⁻" ? "-" : SUPERSCRIPTS.indexOf(letter))).join("") || 0}`);
};

const ends = (values) => [Math.min(...values), Math.max(...values)];

function valuesOf(layers) {
  const slopes = layers.map(({ judged_by }) => judged_by?.slope ?? NaN);
  const over = (member, write = percent) => span(...ends(layers.map(({ forward }) => forward?.[member] ?? 0)).map(write));
  return {
    units: over("units", String),
    alike: span(...ends(layers.map(alike)).map(String)),
    activation: layers[0].activation,
    slope: span(...ends(slopes).map(number)),
    times: times(...ends(slopes)),
    larger: times(...ends(layers.map(({ reason }) => factorIn(reason)))),
    part: span(...ends(slopes).map(part)),
    saturated: over("saturated"),
    dead: over("dead"),
  };
}

// The network's verdict: what it means, what becomes of signals and gradients, which layer earned it and why.
export function summaryFor(diagnosis) {
  const { verdict, code, layers } = diagnosis;
  const general = t(`summary.${verdict}`);
  if (verdict === "normal") return normal(diagnosis);
  const earner = layers.find((layer) => layer.verdict === verdict && layer.code === code);
  const why = earner && reasonFor([earner]);
  if (!why) return general;
  return [general, ...trendsOf(diagnosis), t("summary.in", { name: earner.name, why: lowered(why) })].join(" ");
}

const lowered = (text) => text[0].toLowerCase() + text.slice(1);
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function normal({ code, layers, blocks, summary }) {
  const earner = layers.find((layer) => layer.verdict === "normal" && layer.code === code);
  const why = earner && reasonFor([earner]);
  if (why) return `${t("summary.normal")} ${t("summary.in", { name: earner.name, why: lowered(why) })}`;
  const ranges = rangesOf(layers);
  const key = `summary.normal.${code}${NUMBERED.includes(code) && (blocks?.length || !ranges) ? ".plain" : ""}`;
  return told(key) ? t(key, { ...ranges, drifts: driftsIn(summary) }) : t("summary.normal");
}

const NUMBERED = ["keeps-size", "last-differs"];

// Where branches part, sizes within them say nothing of what passes by.
function rangesOf(layers) {
  const range = (way) => {
    const sizes = layers.filter(isWeighty).map((layer) => layer[way]?.rms);
    return sizes.length && sizes.every(Number.isFinite) ? between(...ends(sizes).map(number)) : null;
  };
  const [outputs, gradients] = ["forward", "backward"].map(range);
  return outputs && gradients && { outputs, gradients };
}

const between = (low, high) => (low === high ? low : t("summary.between", { low, high }));
const isWeighty = ({ code }) => code !== "no-weights";

// How far sizes drift, along the places that all ways pass: the service's own reckoning.
function driftsIn(summary) {
  return [...summary.matchAll(/(outputs|gradients) (fall|grow) (\S+(?: × 10\S+)?) times/g)]
    .map(([words, what, how]) => t(`summary.drift.${what}.${how}`, { times: times(factorIn(words)) }))
    .join(t("summary.and"));
}

// In a chain: what each layer does to the signal, or to the gradient on its way back, where all do about the same.
function trendsOf({ layers, blocks }) {
  const chain = layers.filter(isWeighty);
  if (blocks?.length || chain.length < 4) return [];
  return ["forward", "backward"].map((way) => trendOf(chain.slice(0, -1), way)).filter(Boolean);
}

function trendOf(layers, way) {
  const sizes = layers.map((layer) => layer[way]?.rms ?? NaN);
  const ordered = way === "forward" ? sizes : [...sizes].reverse();
  const total = ordered.at(-1) / ordered[0];
  const each = total ** (1 / (ordered.length - 1));
  if (!(total > KEPT || total < 1 / KEPT) || !(total > 0) || !Number.isFinite(total)) return null;
  const going = ordered.slice(1).filter((size, index) => size > ordered[index] === total > 1);
  if (going.length < STEADY * (ordered.length - 1)) return null;
  const [first, last] = [layers[0].name, layers.at(-1).name];
  if (total > 1) return t(`trend.${way}.grows`, { each: times(each), first, last, times: times(total) });
  return contracted(t(`trend.${way}.shrinks`, { each: part(each), first, last, part: part(total) }));
}

// Spanish writes "a el" as one word.
const contracted = (text) => (language() === "es" ? text.replaceAll(" a el ", " al ") : text);
