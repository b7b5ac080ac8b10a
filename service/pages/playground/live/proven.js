// That the numbers drawn in this browser are the service's, in one sentence.
import "./words.js";
import { h } from "../frame/dom.js";
import { update } from "../frame/state.js";
import { t, whole } from "../words/language.js";
import { digestIn, proof } from "./live.js";

const KEPT = 12;
const DIGITS = 16; // of a digest
const made = new Map(); // questions to their proof, or null while it comes

// Of the array at a place of a drawable spec, once the service has told its own digest or is known not to.
export function proofNote(spec, place, { statistics, problems }) {
  const question = JSON.stringify([spec, place]);
  if (!made.has(question) && (statistics || problems.length)) {
    made.set(question, null);
    proof(spec, place).then((found) => update(() => made.set(question, found)), () => {});
    if (made.size > KEPT) made.delete(made.keys().next().value);
  }
  const found = made.get(question);
  return h("p", { class: "note proof" }, found ? wordsOf(found, digestIn(statistics, found.key)) : "\u00a0");
}

function wordsOf({ key, count, sha256 }, far) {
  const kind = far === null ? "alone" : far === sha256 ? "same" : "other";
  return t(`proof.${kind}`, { key, count: whole(count), digest: `${sha256.slice(0, DIGITS)}…` });
}
