// Sentences about an answer: the service's own, in English; told anew from its numbers in another language.
import { h } from "./dom.js";
import { language, number, t, told } from "./i18n.js";

const own = (text) => ({ text, lang: language() });
const theirs = (text) => ({ text, lang: "en" });
const choose = (key, values, text) => (language() !== "en" && told(key) ? own(t(key, values)) : theirs(text));

export const spoken = ({ text, lang }) => h("span", lang === language() ? {} : { lang }, text);

export const summaryOf = ({ verdict, summary }) => choose(`summary.${verdict}`, {}, summary);

export function reasonOf({ verdict, reason, forward, backward }) {
  return choose(
    `reason.${verdict}`,
    { forward: number(forward?.rms), backward: number(backward?.rms), distinct: `${forward?.distinct}` },
    reason,
  );
}

export const warningText = ({ code, detail }) => choose(`warning.${code}`, {}, detail);

export function outcomeOf({ learnt, reason, loss }) {
  return choose(
    learnt ? "outcome.learnt" : "outcome.not",
    { first: number(loss[0]), last: number(loss.at(-1)) },
    reason,
  );
}
