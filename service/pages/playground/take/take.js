// What a reader takes along: a program that ends in arrays of their framework, the weights by their addresses.
import "./words.js";
import "../streams/words.js"; // of what no program can be written for
import { absolute, addressed, addressesOf } from "./addresses.js";
import { codeBlock } from "./code.js";
import { saveFile } from "./copying.js";
import { askedOf, PROGRAMS, program } from "./programs/programs.js";
import { h, replace } from "../frame/dom.js";
import { recall, remember } from "../frame/remembered.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { file, Problem } from "../frame/service.js";
import { state, update } from "../frame/state.js";
import { planOf } from "../streams/asked.js";
import { pretty } from "../network/text.js";
import { asTrained, question } from "../train/question.js";

const FORMATS = ["npz", "safetensors"];
const REMEMBERED = "initserve-program";
const TRAINING = "training"; // what a training is asked for, in the view that trains

let chosen = recall(REMEMBERED);
let last = ""; // the program that was shown last, which stays until the next one can be written

export function render(root, current) {
  const { shared, taking } = current;
  replace(
    root,
    h("h2", { id: "take-title" }, t("take.title")),
    code(current),
    addressesOf(current, saveButtons),
    taking ? problemBox(taking, shared.spec) : null,
  );
}

function code(current) {
  const { shared } = current;
  const trains = shared.view === "train" && asTrained(shared.spec, shared.train);
  const names = [...Object.keys(PROGRAMS), ...(trains ? [TRAINING] : [])];
  const name = names.includes(chosen) ? chosen : names[0];
  const written = name === TRAINING ? { lines: training(shared) } : programOf(name, current);
  if (written?.lines) last = written.lines;
  const label = t("take.code", { what: nameOf(name) });
  return [
    h(
      "div",
      { class: "actions programs", role: "group", "aria-label": t("take.languages") },
      names.map((each) =>
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `program-${each}`,
            "aria-pressed": `${each === name}`,
            onclick: () => choose(each),
          },
          nameOf(each),
        ),
      ),
    ),
    written?.unwritten
      ? h("p", { class: "note unwritten" }, t(written.unwritten.key, written.unwritten.values))
      : codeBlock({ key: "code", text: written ? written.lines : last, label, what: label }),
    h("p", { class: "note" }, t(`take.program.${name}`)),
  ];
}

const nameOf = (name) => (name === TRAINING ? t("take.training") : PROGRAMS[name].name);

const choose = (name) =>
  update(() => {
    chosen = name;
    remember(REMEMBERED, name);
  });

// In the layout of the program's framework, which may be another than the one in view; null until that is known.
function programOf(name, { shared, answers }) {
  const shown = addressed(answers.stack);
  if (!shown) return null;
  const spec = askedOf(name, shared.spec, shown.seed);
  const plan = !PROGRAMS[name].layout || shown.layout === spec.layout ? shown : planOf(spec);
  return plan ? program(name, { spec, plan, url: new URL("init", document.baseURI).href, absolute }) : null;
}

function training(shared) {
  const body = pretty(question(shared)).replaceAll("'", "'\\''");
  return `curl --silent ${new URL("train", document.baseURI).href} \\\n  --header 'content-type: application/json' \\\n  --data '${body}'`;
}

// Where weights have no address they are posted for.
const saveButtons = () =>
  FORMATS.map((format) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        "data-key": `save-${format}`,
        "aria-label": t("take.save", { format }),
        onclick: () => save(format),
      },
      icon("save"),
      format,
    ),
  );

async function save(format) {
  try {
    const { name, blob } = await file(format, state.shared.spec);
    saveFile(name, blob);
    update((current) => (current.taking = null));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    update((current) => (current.taking = error));
  }
}
