// Sentences about an answer: the service's own, in the page's language; told from its numbers where it has no words.
import { h } from "../frame/dom.js";
import { language, number, t, told } from "./language.js";
import { sentence } from "./sentences.js";
import { reasonFor, summaryFor } from "./telling.js";

const own = (text) => ({ text, lang: language() });
const theirs = (text) => ({ text, lang: "en" });

function choose(text, key, values = {}) {
  const said = sentence(text);
  if (said !== null) return own(said);
  return told(key) ? own(t(key, values)) : theirs(text);
}

export const spoken = ({ text, lang }) => h("span", lang === language() ? {} : { lang }, text);

// The verdict with the layer that earned it and why.
export const summaryOf = (diagnosis) => own(summaryFor(diagnosis));

// Why a layer has its verdict, or several that have theirs for the same reason.
export function reasonOf(...layers) {
  const said = reasonFor(layers);
  return said === null ? theirs(layers[0].reason) : own(said);
}

export const warningText = ({ code, detail }) => choose(detail, `warning.${code}`);

// What came of a longer look: across sizes, or of the first steps.
export const studyText = ({ summary }) => choose(summary, "");

export const detailOf = (detail) => choose(detail, "");

export function outcomeOf({ learnt, reason, loss, final_loss }) {
  return choose(reason, learnt ? "outcome.learnt" : "outcome.not", { first: number(loss[0]), last: number(final_loss) });
}
