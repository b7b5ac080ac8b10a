// The fields that say whose numbers are drawn, and how surely they are the framework's own.
import { FAMILIES, familyOf, OWN } from "./lines.js";
import { LAYOUTS } from "./asked.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit } from "../frame/state.js";
import { selectField, textField } from "../network/fields.js";
import { t } from "../words/language.js";
import { detailOf, spoken, warningText } from "../words/spoken.js";

const DEFAULTS = ["recommended", "keras", "pytorch", "flax"];
const OWN_CHOICE = "own"; // what a spec says by saying nothing

export function whose(spec, algorithms, shown, problems) {
  const present = algorithms.find(({ name }) => name === (spec.algorithm ?? OWN)) ?? algorithms[0];
  return [
    h("div", { class: "fields" }, fields(spec, algorithms, present, problems)),
    shown ? sureness(present, shown) : null,
    details(present),
  ];
}

function fields(spec, algorithms, present, problems) {
  const set = (member, own) => (value) => edit(member, ({ spec: changed }) => put(changed, member, value, own));
  const choices = (names, key) => names.map((name) => [name, t(`${key}.${name}`)]);
  const groups = FAMILIES.map((family) => ({
    group: t(`streams.group.${family}`),
    options: algorithms.filter(({ name }) => familyOf(name) === family).map(({ name }) => [name, t(`streams.name.${name}`)]),
  }));
  const layouts = [...new Set([...LAYOUTS, ...(spec.layout ? [spec.layout] : [])])];
  return [
    selectField({ key: "/algorithm", label: t("streams.algorithm"), problems, value: present.name, options: groups, set: (name) => edit("algorithm", (shared) => choose(shared, name, algorithms)) }),
    textField({ key: "stream-seed", label: t("streams.seed"), problems, value: spec.seed, numeric: false, set: (seed) => edit("seed", (shared) => (shared.spec.seed = seed.trim())) }),
    selectField({
      key: "/layout",
      label: t("streams.layout"),
      problems,
      value: spec.layout ?? OWN_CHOICE,
      options: [[OWN_CHOICE, t("streams.layout.own", { layout: present.layout })], ...layouts.map((name) => [name, name])],
      set: set("layout", OWN_CHOICE),
    }),
    selectField({ key: "/dtype", label: t("streams.dtype"), problems, value: spec.dtype ?? "float32", options: present.dtypes.map((name) => [name, name]), set: set("dtype", "float32") }),
    selectField({ key: "/defaults", label: t("streams.defaults"), problems, value: spec.defaults ?? OWN_CHOICE, options: choices(present.name === OWN ? DEFAULTS : [OWN_CHOICE, ...DEFAULTS], "streams.defaults"), set: set("defaults", present.name === OWN ? "recommended" : OWN_CHOICE) }),
  ];
}

// What is so anyway is left out, so that the spec and its address stay as short as they can be.
function put(spec, member, value, own) {
  if (value === own) delete spec[member];
  else spec[member] = value;
}

function choose({ spec }, name, algorithms) {
  put(spec, "algorithm", name, OWN);
  delete spec.exact;
  if (!algorithms.find((each) => each.name === name).dtypes.includes(spec.dtype)) delete spec.dtype;
}

function sureness({ name, versions }, { warnings, exact }) {
  const sure = name === OWN || exact !== false;
  const reasons = warnings.filter(({ code }) => code === "not-exact").map((warning) => warningText(warning));
  const known = Object.entries(versions).map(([framework, version]) => `${framework} ${version}`).join(", ");
  return h(
    "p",
    { class: sure ? "sure" : "sure not" },
    icon(sure ? "yes" : "wrong"),
    h("code", {}, name),
    sure ? h("span", {}, t(name === OWN ? "streams.own" : "streams.same", { versions: known })) : h("span", {}, t("streams.near", { reasons: "" }), reasons.map((each) => spoken(each))),
  );
}

function details({ exact, not_exact: not }) {
  const points = (title, sentences) =>
    sentences.length ? [h("h3", {}, t(title)), h("ul", { class: "points" }, sentences.map((each) => h("li", {}, spoken(detailOf(each)))))] : null;
  return h(
    "details",
    { class: "exactness", "data-key": "exactness" },
    h("summary", { "data-key": "exactness-summary" }, t("streams.details")),
    points("streams.exact", exact),
    points("streams.not-exact", not),
  );
}
