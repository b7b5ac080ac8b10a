// The addresses of the present weights: a row a file with what it is, each parameter's, and commands that fetch them.
import { codeBlock } from "./code.js";
import { copy } from "./copying.js";
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
export const absolute = (link) => new URL(`.${link}`, document.baseURI).href;

// What answers hold of a spec's addresses; null where the service has not answered it yet, or does not take it.
export const addressed = ({ statistics, plan }) => statistics ?? plan;

// `past` are those of the spec before, which keep their place until the service has answered this one.
export function addressesOf({ answers, parameter }, saveButtons) {
  const { before, ...present } = answers.stack;
  const found = addressed(present);
  const shown = found ?? (before && addressed(before));
  if (!shown) return null;
  return h(
    "div",
    { class: found ? "addresses" : "addresses past", inert: !found },
    shown.links ? linked(shown, parameter) : unlinked(shown, saveButtons),
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

function linked({ links, layers }, chosen) {
  const each = layers.flatMap((layer) => layer.parameters).filter((parameter) => parameter.links);
  const parameters = new Map(each.map((parameter) => [keyOf(parameter.links), parameter]));
  const whole = [
    h("h3", {}, t("take.addresses")),
    h("p", { class: "note" }, t(links.safetensors.startsWith(KEPT) ? "take.addresses.kept" : "take.addresses.text")),
    rows(FILES, links, t("take.lines.whole"), "take.file"),
  ];
  // All that is linked where there are too many parameters to link each of them.
  if (!parameters.size) return whole;
  const key = parameters.has(chosen) ? chosen : parameters.keys().next().value;
  return [
    ...whole,
    selectField({
      key: "take-parameter",
      label: t("take.parameter"),
      value: key,
      options: [...parameters.keys()].map((name) => [name, name]),
      set: (name) => update((current) => (current.parameter = name)),
    }),
    rows(OF_PARAMETER, parameters.get(key).links, key, "take.parameter-file"),
    h(
      "details",
      { class: "commands", "data-key": "commands" },
      h("summary", { "data-key": "commands-summary" }, t("take.lines")),
      codeBlock({ key: "lines", text: commands(links, key, parameters.get(key)), label: t("take.lines") }),
    ),
  ];
}

// A parameter's name as its address has it.
const keyOf = ({ raw }) => raw.split("/").slice(3).join("/").replace(/\.raw$/, "");

// A row a file: what it is, and what may be done with it. Links are heard with whose they are: several are called alike.
const rows = (names, links, whose, words) =>
  h(
    "ul",
    { class: "files" },
    names
      .filter((name) => links[name])
      .map((name) => {
        const label = t(`take.file.${name}`);
        const address = absolute(links[name]);
        const about = `${whose}: ${label}`;
        const [drawing, action] = SHOWN.includes(name) ? ["link", t("take.open")] : ["save", t("take.download")];
        return h(
          "li",
          {},
          h("span", { class: "what" }, h("strong", {}, label), " ", h("span", { class: "note" }, t(`${words}.${name}.is`))),
          name === "svg" ? button("embed", "copy", t("take.embed"), `${about}, ${t("take.embed")}`, () => copy(embedding(address), t("take.the-embedding"))) : null,
          button(`address-${whose}-${name}`, "copy", t("take.copy-address"), `${about}, ${t("take.copy-address")}`, () => copy(address, t("take.the-address", { name: label }))),
          h("a", { class: "quiet", href: address, "aria-label": `${action}, ${about}`, "data-key": `${whose}: ${name}` }, icon(drawing), action),
        );
      }),
  );

const embedding = (address) => `<img src="${address}" alt="${t("take.file.svg")}">`;

const button = (key, drawing, label, heard, onclick) =>
  h("button", { type: "button", class: "quiet", "data-key": key, "aria-label": heard, onclick }, icon(drawing), label);

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
