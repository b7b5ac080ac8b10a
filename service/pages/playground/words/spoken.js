// Sentences about an answer: the service's own, in the page's language; told from its numbers where it has no words.
import { h } from "../frame/dom.js";
import { language, number, t, told } from "./language.js";
import { sentence } from "./sentences.js";

const own = (text) => ({ text, lang: language() });
const theirs = (text) => ({ text, lang: "en" });

function choose(text, key, values = {}) {
  const said = sentence(text);
  if (said !== null) return own(said);
  return told(key) ? own(t(key, values)) : theirs(text);
}

export const spoken = ({ text, lang }) => h("span", lang === language() ? {} : { lang }, text);

// The verdict in general, then the layer that earned it and why: "… In fc3: outputs are …."
export function summaryOf({ verdict, summary }) {
  const [, general, name, cause] = /^(.*?)(?: In (\S+): (.+)\.)?$/s.exec(summary);
  const said = sentence(general) ?? t(`summary.${verdict}`);
  const why = cause === undefined ? null : sentence(cause);
  return own(why === null ? said : `${said} ${t("summary.in", { name, why })}`);
}

export function reasonOf({ verdict, reason, forward, backward }) {
  return choose(reason, `reason.${verdict}`, {
    forward: number(forward?.rms),
    backward: number(backward?.rms),
    distinct: `${forward?.distinct}`,
    units: `${forward?.units}`,
  });
}

export const warningText = ({ code, detail }) => choose(detail, `warning.${code}`);

// What came of a longer look: across sizes, or of the first steps.
export const studyText = ({ summary }) => choose(summary, "");

export const detailOf = (detail) => choose(detail, "");

export function outcomeOf({ learnt, reason, loss, final_loss }) {
  return choose(reason, learnt ? "outcome.learnt" : "outcome.not", { first: number(loss[0]), last: number(final_loss) });
}
