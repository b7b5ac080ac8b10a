// The one way in which the page writes numbers.
//
// Up to six digits are written out in groups, beyond that and under a thousandth as 1.7 × 10⁷. What was measured has
// three digits, so that 0.780 stands under 0.773; what was chosen (a rate, a tick) has the digits that it was given.
import { language } from "./language.js";

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const [LEAST, MOST] = [1e-3, 1e6]; // what is written out
const MEASURED = 3; // digits
const NARROW = "\u202f"; // a space that neither breaks nor is wide: between thousands in Spanish
const HARD = "\u00a0"; // one that does not break: 1.7 × 10⁷ stays on its line

const unknown = (value) => value === null || value === undefined || Number.isNaN(value);

export const raised = (exponent) => [...`${exponent}`].map((letter) => SUPERSCRIPT[letter]).join("");

// From digits with a point to the language's own: 12345.5 is 12,345.5 in English and 12 345,5 in Spanish.
export function localised(digits) {
  const [whole, decimals] = digits.replace("-", "").split(".");
  const english = language() === "en";
  const grouped =
    whole.length < (english ? 4 : 5) ? whole : whole.replaceAll(/\B(?=(\d{3})+$)/g, english ? "," : NARROW);
  const sign = digits.startsWith("-") ? "−" : "";
  return `${sign}${grouped}${decimals === undefined ? "" : `${english ? "." : ","}${decimals}`}`;
}

// Digits of a decimal as they are, without the exponent that JavaScript writes for 1e21.
const plain = (value, digits) => {
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  return Number(value.toPrecision(digits)).toFixed(Math.max(0, digits - 1 - exponent));
};

// As many digits as are needed, at most three, or just so many.
function asPower(value, digits) {
  const [mantissa, exponent] = Number(value.toPrecision(MEASURED)).toExponential(digits && digits - 1).split("e");
  return `${localised(mantissa)}${HARD}×${HARD}10${raised(Number(exponent))}`;
}

function written(value, inside, outside) {
  if (unknown(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(Number(value.toPrecision(MEASURED)));
  return size < LEAST || size >= MOST ? outside() : localised(inside());
}

// What was measured: 0.780, 12.3, 1,230; counts and other whole numbers as they are.
export const number = (value) =>
  written(
    value,
    () => (Number.isInteger(value) ? `${value}` : plain(value, MEASURED)),
    () => asPower(value, 2),
  );

// What was chosen: 0.05, 0.3, 1.25, never with more than six digits.
export const exact = (value) =>
  written(
    value,
    () => `${Number(value.toPrecision(6))}`,
    () => asPower(value),
  );

// A tick: powers of ten as such from 10⁴ and 10⁻⁴ on.
export function power(value) {
  const exponent = Math.log10(value);
  return Math.abs(exponent) <= 3 || !Number.isInteger(exponent) ? exact(value) : `10${raised(exponent)}`;
}

export const whole = (value) => localised(`${value}`);

// What is not quite none or quite all is not written as if it were.
export function percent(share) {
  if (unknown(share)) return "–";
  const sign = language() === "en" ? "%" : `${HARD}%`;
  if (share > 0 && share <= 0.005) return `<1${sign}`;
  if (share >= 0.995 && share < 1) return `>99${sign}`;
  return `${localised((100 * share).toFixed(0))}${sign}`;
}

const LARGE = {
  en: [
    [1e12, "trillion"],
    [1e9, "billion"],
    [1e6, "million"],
  ],
  es: [
    [1e12, "billones"],
    [1e6, "millones"],
  ],
};
const SINGLE = { millones: "millón", billones: "billón" };

// How often, as one says it: 1.5, 23, 1,200, 17 million, 2 × 10²⁰.
export function count(value) {
  if (unknown(value) || !Number.isFinite(value)) return number(value);
  const rounded = Number(value.toPrecision(2));
  if (rounded >= 1e15 || (rounded > 0 && rounded < LEAST)) return asPower(value, 1);
  const large = LARGE[language()].find(([unit]) => rounded >= unit);
  if (!large) return localised(`${rounded}`);
  const [unit, name] = large;
  const many = rounded / unit;
  return `${localised(`${Number(many.toPrecision(many >= 1000 ? 4 : 2))}`)} ${many === 1 ? (SINGLE[name] ?? name) : name}`;
}

// So many times: "3.2 times", "200 to 17 million times"; Spanish asks for a "de" after millions.
export function times(low, high = low) {
  const said = span(count(low), count(high));
  if (language() === "en") return `${said} times`;
  return `${said}${/ll(?:ón|ones)$/.test(said) ? " de" : ""} veces`;
}

// From one to another; what is written alike is written once.
export function span(low, high) {
  if (low === high) return low;
  return language() === "en" ? `${low} to ${high}` : `entre ${low} y ${high}`;
}

const PARTS = [
  [1 / 2, "half", "la mitad"],
  [1 / 3, "a third", "un tercio"],
  [1 / 4, "a quarter", "un cuarto"],
  [1 / 5, "a fifth", "un quinto"],
  [1 / 10, "a tenth", "una décima parte"],
  [1 / 100, "a hundredth", "una centésima parte"],
  [1e-3, "a thousandth", "una milésima parte"],
  [1e-6, "a millionth", "una millonésima parte"],
  [1e-9, "a billionth", "una milmillonésima parte"],
];
const NEAR = 1.06; // a part is called by the name of another one so near

// How much is left, as one says it: half, 62%, a millionth, one part in 17 million.
export function part(share) {
  if (share === 0) return language() === "en" ? "nothing" : "nada";
  const named = PARTS.find(([size]) => share < size * NEAR && size < share * NEAR);
  if (named) return named[language() === "en" ? 1 : 2];
  if (share > 0.1) return language() === "en" ? percent(share) : `el ${percent(share)}`;
  return language() === "en" ? `one part in ${count(1 / share)}` : `una parte de cada ${count(1 / share)}`;
}

// The numbers in English words, as this page writes them: 1e+30, 2.55e+03, 0.000090 and 1,234.5, but no digit of a name.
// Digits in a row stay as they are: they are a seed, or a count of a few.
const WRITTEN = /(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?:e([+-]?\d+))?(?![\w.]*[A-Za-z_])/g;

export const rewritten = (text) =>
  text?.replaceAll(WRITTEN, (whole, integer, decimals = "", exponent = undefined) => {
    const digits = integer.replaceAll(",", "") + decimals;
    if (exponent === undefined && !(Number(digits) > 0 && Number(digits) < LEAST)) return /,|\./.test(whole) ? localised(digits) : whole;
    return exact(Number(`${digits}e${exponent ?? 0}`));
  });
