// The reader's language: words that rooms teach, and how numbers are written.
import { recall, remember } from "../frame/remembered.js";

export const WORDS = { en: {}, es: {} };
export const LANGUAGES = Object.keys(WORDS);
const REMEMBERED = "initserve-language";
const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

const remembered = recall(REMEMBERED);
let current = LANGUAGES.includes(remembered) ? remembered : navigator.language.startsWith("es") ? "es" : "en";

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

export const raised = (exponent) => [...`${exponent}`].map((letter) => SUPERSCRIPT[letter]).join("");

export function power(value) {
  const exponent = Math.log10(value);
  return Math.abs(exponent) <= 3 || !Number.isInteger(exponent) ? number(value) : `10${raised(exponent)}`;
}

const plain = (value) => value.toLocaleString(current, { maximumSignificantDigits: 3 }).replace("-", "−");

export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Number(Math.abs(value).toPrecision(3));
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [digits, exponent] = value.toExponential(2).split("e");
    return `${plain(Number(digits))}·10${raised(Number(exponent))}`;
  }
  return plain(value);
}

export const whole = (value) => value.toLocaleString(current);

export const percent = (share) =>
  share === null || share === undefined
    ? "–"
    : share.toLocaleString(current, { style: "percent", maximumFractionDigits: 0 });
