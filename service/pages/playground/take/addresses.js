// The addresses of the present weights: links to their files and to each parameter, and commands that fetch them.
import { h } from "../frame/dom.js";
import { selectField } from "../network/fields.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { spoken, warningText } from "../words/spoken.js";
import { update } from "../frame/state.js";

const FILES = ["safetensors", "npz", "json", "statistics", "svg"];
const OF_PARAMETER = ["npy", "raw", "statistics"];
const SHOWN = ["json", "statistics", "svg"]; // by the browser; the others are saved
const KEPT = "/weights/sha256-"; // how addresses begin that name a spec which the service keeps
const SOME = 2; // of the first axis: a slice to begin with

// The service's root is where this page stands, also behind a proxy's prefix.
const absolute = (link) => new URL(`.${link}`, document.baseURI).href;

// What answers hold of a spec's addresses; null where the service has not answered it yet, or does not take it.
export const addressed = ({ statistics, plan }) => statistics ?? plan;

// `past` are those of the spec before, which keep their place until the service has answered this one.
export function addressesOf({ answers, parameter }, copy, saveButtons) {
  const { before, ...present } = answers.stack;
  const found = addressed(present);
  const shown = found ?? (before && addressed(before));
  if (!shown) return null;
  return h(
    "div",
    { class: found ? "addresses" : "addresses past", inert: !found },
    shown.links ? linked(shown, parameter, copy) : unlinked(shown, saveButtons),
  );
}

function unlinked({ warnings }, saveButtons) {
  const warning = warnings.find(({ code }) => code === "no-address");
  return [
    h("h3", {}, t("take.no-address")),
    warning ? h("p", { class: "note" }, spoken(warningText(warning))) : null,
    h("div", { class: "actions" }, saveButtons()),
  ];
}

function linked({ links, layers }, chosen, copy) {
  const each = layers.flatMap((layer) => layer.parameters).filter((parameter) => parameter.links);
  const parameters = new Map(each.map((parameter) => [keyOf(parameter.links), parameter]));
  if (!parameters.size) return files(links, copy);
  const key = parameters.has(chosen) ? chosen : parameters.keys().next().value;
  const lines = commands(links, key, parameters.get(key));
  return [
    ...files(links, copy),
    h(
      "div",
      { class: "actions" },
      selectField({
        key: "take-parameter",
        label: t("take.parameter"),
        value: key,
        options: [...parameters.keys()].map((name) => [name, name]),
        set: (name) => update((current) => (current.parameter = name)),
      }),
      linksTo(OF_PARAMETER, parameters.get(key).links, key),
    ),
    h(
      "pre",
      {
        class: "code",
        tabindex: 0,
        role: "region",
        "aria-label": t("take.lines"),
        "data-key": "lines",
        "data-scroll": "lines",
      },
      h("code", {}, lines),
    ),
    button("copy-lines", "copy", t("take.copy-lines"), () => copy(lines, t("take.lines"))),
  ];
}

// All that is linked where there are too many parameters to link each of them.
const files = (links, copy) => [
  h("h3", {}, t("take.addresses")),
  h("p", { class: "note" }, t(links.safetensors.startsWith(KEPT) ? "take.addresses.kept" : "take.addresses.text")),
  h(
    "div",
    { class: "actions" },
    linksTo(FILES, links, t("take.lines.whole")),
    button("copy-address", "link", t("take.copy-address"), () =>
      copy(absolute(links.safetensors), t("take.the-address")),
    ),
  ),
];

// A parameter's name as its address has it.
const keyOf = ({ raw }) => raw.split("/").slice(3).join("/").replace(/\.raw$/, "");

// Ordinary links; heard with whose they are, since several are called alike.
const linksTo = (names, links, whose) =>
  names
    .filter((name) => links[name])
    .map((name) => {
      const label = t(`take.file.${name}`);
      const about = { "aria-label": `${whose}: ${label}`, "data-key": `${whose}: ${name}` };
      return h("a", { class: "quiet", href: absolute(links[name]), ...about }, icon(SHOWN.includes(name) ? "link" : "save"), label);
    });

const button = (key, drawing, label, onclick) =>
  h("button", { type: "button", class: "quiet", "data-key": key, onclick }, icon(drawing), label);

// For a shell: what all these addresses begin with is told once.
function commands(links, key, { links: own, shape }) {
  const all = absolute(links.safetensors).replace(/\.safetensors$/, "");
  const form = own.npy ? "npy" : "raw";
  const file = key.replaceAll("/", ".");
  const some = [
    `# ${t("take.lines.slice")}`,
    `curl -o ${file}.part.${form} "$at/${key}.${form}?slice=0:${Math.min(SOME, shape[0])}"`,
  ];
  return [
    `at=${all}`,
    `# ${t("take.lines.whole")}`,
    'curl -o weights.safetensors "$at.safetensors"',
    `# ${t("take.lines.resume")}`,
    'curl -C - -o weights.safetensors "$at.safetensors"',
    `# ${t("take.lines.parameter", { name: key })}`,
    `curl -o ${file}.${form} "$at/${key}.${form}"`,
    ...(shape.length ? some : []),
  ].join("\n");
}
