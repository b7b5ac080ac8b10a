// Whose numbers a network begins with: the stream, the lines that give them in its framework, each array's first values.
import "./words.js";
import { arraysTable } from "./arrays.js";
import { firstValues, planOf } from "./asked.js";
import { CLIENTS } from "./clients.js";
import { OWN, written } from "./lines.js";
import { nameOf } from "./names.js";
import { turned } from "./turned.js";
import { whose } from "./whose.js";
import { h, keeper, replace } from "../frame/dom.js";
import { past, waiting } from "../frame/waiting.js";
import { problemBox } from "../frame/problems.js";
import { edit } from "../frame/state.js";
import { t } from "../words/language.js";
import { addressed } from "../take/addresses.js";
import { codeBlock } from "../take/code.js";

export const ASKS = ["stack"];
const keep = keeper();

export function render(root, { shared, answers, catalogue: { algorithms } }) {
  const { spec } = shared;
  const answer = answers.stack;
  const shown = addressed(answer);
  const refused = answer.problems.filter(({ asked }) => asked !== "diagnose");
  replace(
    root,
    h("section", { class: "card streams" }, h("h2", {}, t("streams.title")), h("p", { class: "lead" }, t("streams.lead")), algorithms.length ? whose(spec, algorithms, shown, answer.problems) : refused.length ? null : waiting()),
    refused.map((problem) => problemBox(problem, spec)),
    shown && algorithms.length ? found(shared, shown) : refused.length ? null : before(answer, shared),
  );
}

const before = ({ before: last }, shared) => {
  const shown = last && addressed(last);
  return shown ? past(arraysTable(shown, shown, { layer: 0, parameter: 0 })) : waiting({ class: "card lead" });
};

// The plan in the framework's own layout, which its lines speak of; `shown` where that is the layout in view.
function ownPlan(spec, shown) {
  if (spec.layout === undefined) return shown;
  const { layout, ...own } = spec;
  return planOf({ ...own, seed: shown.seed });
}

function found({ spec, streams }, shown) {
  const own = ownPlan(spec, shown);
  if (!own) return waiting({ class: "card lead" });
  const at = within(streams, own);
  if (!at) return h("p", { class: "card lead" }, t("streams.none"));
  const parameter = own.layers[at.layer].parameters[at.parameter];
  return [
    h("section", { class: "card shown-lines" }, linesOf(spec, streams, own, at, parameter)),
    arraysTable(shown, own, at),
    turned(spec, own, at, keep),
  ];
}

// The array that a link names, or the first one where the network has it no more.
function within({ layer, parameter }, { layers }) {
  const kept = layers[layer]?.parameters.length ? layer : layers.findIndex(({ parameters }) => parameters.length);
  if (kept < 0) return null;
  return { layer: kept, parameter: kept === layer && layers[layer].parameters[parameter] ? parameter : 0 };
}



function linesOf(spec, { client }, own, at, parameter) {
  const values = firstValues(parameter);
  const absolute = (link) => new URL(`.${link}`, document.baseURI).href;
  const { lines, printed, unwritten } = written({ spec, plan: own, at, client, values, absolute });
  const name = nameOf(own, own.layers[at.layer], parameter);
  const isOwn = own.algorithm === OWN;
  const framework = isOwn ? t(`streams.client.${client}`) : t(`streams.name.${own.algorithm}`);
  const title = t(isOwn ? "streams.lines.own" : "streams.lines.of", { name, framework });
  return [
    h("h2", {}, unwritten ? t("streams.first", { name }) : title),
    isOwn ? clients(client) : null,
    unwritten
      ? h("p", { class: "note" }, t(unwritten.key, unwritten.values))
      : codeBlock({ key: "shown-lines", text: lines, label: title, what: t("streams.lines") }),
    unwritten ? null : h("h3", {}, t("streams.prints", { name })),
    values === null
      ? null
      : codeBlock({
          key: "printed",
          text: printed ?? (values ? `[${values.join(", ")}]` : " "),
          label: t("streams.printed"),
          plain: true,
        }),
  ];
}

function clients(chosen) {
  const choose = (client) => edit("client", ({ streams }) => (streams.client = client));
  return h(
    "div",
    { class: "actions", role: "group", "aria-label": t("streams.clients") },
    CLIENTS.map((client) =>
      h(
        "button",
        { type: "button", class: "quiet", "data-key": `client-${client}`, "aria-pressed": `${client === chosen}`, onclick: () => choose(client) },
        t(`streams.client.${client}`),
      ),
    ),
  );
}

