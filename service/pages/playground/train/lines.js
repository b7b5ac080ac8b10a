// How a start is drawn: a family of schemes has its colour, its kinds differ by dashes, whatever is trained beside them.
import { describeScheme, schemeName } from "../network/spec.js";
import { t } from "../words/language.js";

// The starts that are offered.
export const STARTS = [
  "he_normal",
  "he_uniform",
  "glorot_normal",
  "glorot_uniform",
  "lecun_normal",
  "orthogonal",
  "small_normal",
  { name: "random_normal", stddev: 1 },
  "zeros",
  { name: "constant", value: 5 },
];
const FAMILIES = [
  ["he", /^(he|kaiming)_/],
  ["glorot", /^(glorot|xavier)_/],
  ["lecun", /^(lecun_|orthogonal)/],
  ["random", /^(small|random|truncated|normal|uniform)/],
  ["same", /^(zeros|ones|constant)/],
];
const DASHES = 4;

export const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
export const called = (start) => (start === null ? t("train.stack") : describeScheme(start));

// The classes of a start's lines and areas.
export function lineOf(start) {
  if (start === null) return "run run-stack dashes-0";
  const family = familyOf(start);
  return `run run-${family} dashes-${dashesOf(start)}`;
}

// Of the starts that are offered each has dashes of its own in its family; others by what they say.
function dashesOf(start) {
  const kin = STARTS.filter((one) => familyOf(one) === familyOf(start));
  const place = kin.findIndex((one) => same(one, start));
  if (place >= 0) return place;
  const letters = [...JSON.stringify(start)];
  return 2 + (letters.reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 9973, 7) % (DASHES - 2));
}

const familyOf = (start) => (FAMILIES.find(([, names]) => names.test(schemeName(start))) ?? ["other"])[0];
