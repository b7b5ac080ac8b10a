// The reader's language: words that rooms teach.
import { recall, remember } from "../frame/remembered.js";

export const WORDS = { en: {}, es: {} };
export const LANGUAGES = Object.keys(WORDS);
const REMEMBERED = "initserve-language";

const remembered = recall(REMEMBERED);
let current = LANGUAGES.includes(remembered) ? remembered : globalThis.navigator?.language.startsWith("es") ? "es" : "en";

export const language = () => current;

// What the reader chooses is kept for the next visit; a link is read in the language in which it was sent.
export function speak(chosen) {
  current = chosen;
  remember(REMEMBERED, chosen);
}

export function read(sent) {
  if (LANGUAGES.includes(sent)) current = sent;
}

// A room's words of each language; every room has its own, in its words.js.
export function teach(words) {
  for (const known of LANGUAGES) Object.assign(WORDS[known], words[known]);
}

export const told = (key) => key in WORDS[current];

// What has no words here is a name of the service's own, such as a layer's type.
export function t(key, values = {}) {
  const words = WORDS[current][key] ?? key.slice(key.indexOf(".") + 1);
  return words.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export { count, exact, number, part, percent, power, raised, span, times, whole } from "./numbers.js";
