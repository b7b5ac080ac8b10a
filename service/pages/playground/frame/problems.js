// A problem document in plain words: what cannot be done, where it went wrong, and what would work.
import { h } from "./dom.js";
import { t } from "../words/language.js";
import { icon } from "./icons.js";
import { commonScheme, describeScheme, layersOf, nameOf, sizeName, withScheme } from "../network/spec.js";
import { detailOf, spoken } from "../words/spoken.js";
import { keyBox } from "./key.js";
import { isOffline, isShut } from "./service.js";
import { edit } from "./state.js";

const TITLES = { init: "problem.init", diagnose: "problem.diagnose", train: "problem.train" };
// A longer look's own settings: where each is kept, and what its remedy says.
const OF_STUDIES = {
  across: (shared, value) => (shared.across = { by: Object.keys(value)[0], sizes: Object.values(value)[0].join(", ") }),
  steps: (shared, value) => (shared.steps = { ...shared.steps, steps: value }),
};
const describe = (name, value) => {
  if (name === "layers") return t("problem.layers");
  if (name !== "across") return describeScheme(value);
  return Object.entries(value).map(([by, sizes]) => `${t(`across.by.${by}`)} ${sizes.join(", ")}`).join(", ");
};
const OF_TRAINING = ["task", "schemes", "restarts", "steps", "learning_rate"];

// A parameter of the scheme that all layers share is mended where it was written: at the field for all of them.
export function readdressed(problems, spec) {
  if (commonScheme(layersOf(spec)) === null) return problems;
  return problems.map((problem) => ({
    ...problem,
    errors: problem.errors.map((error) => ({
      ...error,
      pointer: error.pointer.replace(/^\/layers\/\d+\/scheme\/(\w+)$/, "all/$1"),
    })),
  }));
}

// `drawn` says whether what needs no service is shown all the same.
export function problemBox(problem, spec, drawn = false) {
  if (isOffline(problem)) return offlineNote(drawn);
  if (isShut(problem)) return keyBox(problem);
  return box(
    h("h3", {}, t(TITLES[problem.asked] ?? "problem.init")),
    problem.errors.length ? null : h("p", {}, spoken(detailOf(problem.detail))),
    spec?.tensors && problem.asked === "diagnose" ? h("p", {}, t("listing.not-diagnosed")) : null,
    h(
      "ul",
      {},
      grouped(problem.errors, spec).map(({ places, detail }) =>
        h("li", {}, h("strong", {}, `${listed(places)}:`), " ", spoken(detailOf(detail))),
      ),
    ),
    problem.remedy ? remedyButton(problem) : null,
  );
}

function offlineNote(drawn) {
  const words = t(`problem.offline.${drawn ? "drawn" : "undrawn"}`);
  return h("section", { class: "card offline", role: "status" }, h("h3", {}, t("problem.offline")), h("p", {}, words));
}

const box = (...words) => h("section", { class: "card problem", role: "alert" }, icon("wrong"), h("div", {}, words));

const listed = (places) => (places.length > 3 ? `${places[0]} … ${places.at(-1)}` : places.join("; "));

// The same said of several places is said once.
function grouped(errors, spec) {
  const groups = new Map();
  for (const { pointer, detail } of errors) {
    if (!groups.has(detail)) groups.set(detail, { places: [], detail });
    groups.get(detail).places.push(place(pointer, spec));
  }
  return [...groups.values()];
}

// `/layers/1/shape/0` as its layer's name and its field's label.
function place(pointer, spec) {
  if (pointer.startsWith("all/")) return `${t("stack.all")}, ${pointer.slice(4)}`;
  const [, root, index, field, ...rest] = pointer.split("/");
  if (!root) return t("problem.whole");
  const layer = root === "layers" && spec ? layersOf(spec)[index] : null;
  if (layer) {
    const name = nameOf(layersOf(spec), index);
    return field ? t("problem.place", { name, field: labelOf(field, rest, layer) }) : name;
  }
  if (root === "schemes" && spec?.schemes?.[index] !== undefined) return describeScheme(spec.schemes[index]);
  return [t(`field.${root}`), ...pointer.split("/").slice(2)].join(" ");
}

function labelOf(field, rest, layer) {
  if (field === "shape" && rest.length) return t(`size.${sizeName(layer, Number(rest[0]))}`);
  return [t(`field.${field}`), ...rest].join(" ");
}

function remedyButton({ remedy, errors, asked }) {
  if (remedy.steps === null) return null; // not to take any is no way to take them
  const said = ([name, value]) => (value === null ? t("problem.without", { field: t(`field.${name}`) }) : `${t(`field.${name}`)} ${describe(name, value)}`);
  const change = Object.entries(remedy).map(said).join(", ");
  return h(
    "button",
    {
      type: "button",
      class: "quiet",
      "data-key": "problem-remedy",
      onclick: () => edit("remedy", (shared) => heed(shared, remedy, errors[0]?.pointer ?? "", asked)),
    },
    icon("yes"),
    t("problem.use", { change }),
  );
}

// A remedy says members of the object in which the member at fault stands, or of the whole request.
function heed(shared, remedy, pointer, asked) {
  if (pointer.startsWith("all/")) {
    shared.spec = withScheme(shared.spec, { ...commonScheme(layersOf(shared.spec)), ...remedy });
    return;
  }
  const study = asked === "diagnose" && Object.keys(remedy).find((name) => name in OF_STUDIES);
  if (study) {
    OF_STUDIES[study](shared, remedy[study]);
    return;
  }
  const path = pointer.split("/").slice(1);
  shared.spec = structuredClone(shared.spec);
  if (path.length > 1 && path.at(-1) in remedy) {
    const holder = path.slice(0, -1).reduce((object, member) => object?.[member], asked === "train" ? shared.train : shared.spec);
    if (typeof holder === "object" && holder !== null) {
      Object.assign(holder, remedy);
      return;
    }
  }
  for (const [name, value] of Object.entries(remedy)) {
    const holder = asked === "train" && OF_TRAINING.includes(name) ? shared.train : shared.spec;
    if (value === null) delete holder[name];
    else holder[name] = value;
  }
}
