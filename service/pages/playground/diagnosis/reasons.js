// Why each layer has its verdict, as a table: neighbours that have the same for the same reason in one row.
import { folded, numbers } from "../charts/charts.js";
import { runsOf } from "../charts/groups.js";
import { isJudged } from "../charts/pictures.js";
import { h } from "../frame/dom.js";
import { term } from "../glossary/glossary.js";
import { number, t } from "../words/language.js";
import { reasonOf, spoken } from "../words/spoken.js";
import { pill } from "./verdicts.js";

export function reasonsSection({ layers }) {
  const judged = layers.filter(isJudged);
  const runs = runsOf(judged, ({ type, verdict, code, also, forward }) => [type, verdict, code, also, forward?.units]);
  const left = layers.length - judged.length;
  return h(
    "section",
    { class: "card reasons", "aria-labelledby": "layers-title" },
    h("h3", { id: "layers-title" }, t("reasons.title")),
    h("p", { class: "note" }, t("reasons.note"), left ? ` ${t("reasons.weightless", { count: left })}` : null),
    tableOf(runs, t("reasons.title")),
    runs.length < judged.length
      ? folded({ class: "numbers", "data-key": "every-layer" }, [t("reasons.every", { count: layers.length })], () => reasonTable(layers, t("reasons.all")))
      : null,
  );
}

export const reasonTable = (layers, caption) => tableOf(layers.map((layer) => [layer]), caption);

// What comes into norms has a column where there are any.
function tableOf(runs, caption) {
  const layers = runs.flat();
  const normed = layers.some(({ input }) => input);
  const at = layers[0]?.name ?? "";
  return numbers({
    caption,
    columns: [
      t("layer"),
      t("reasons.verdict"),
      ...(normed ? [[t("reasons.input"), " ", term("rms", `in-${at}`)]] : []),
      [t("reasons.outputs"), " ", term("rms", `out-${at}`)],
      [t("reasons.gradients"), " ", term("rms", `back-${at}`)],
      term("distinct", at),
      term("singular", at),
      term("rank", at),
    ],
    rows: runs.map((run) => [
      runName(run),
      h("div", { class: "reason" }, isJudged(run[0]) ? [run[0].verdict, ...run[0].also].map(pill) : null, spoken(reasonOf(...run))),
      ...(normed ? [range(run, ({ input }) => input?.rms)] : []),
      range(run, ({ forward }) => forward?.rms),
      range(run, ({ backward }) => backward?.rms),
      distinct(run),
      range(run, ({ matrix }) => matrix?.largest),
      range(run, ({ matrix }) => matrix?.stable_rank),
    ]),
  });
}

export const runName = (run) =>
  run.length === 1
    ? run[0].name
    : [`${run[0].name} … ${run.at(-1).name}`, h("span", { class: "note run" }, t("blocks.layers", { count: run.length }))];

// What one of them has, or the least and the greatest of all.
function range(run, of) {
  const known = run.map(of).filter((value) => value !== null && value !== undefined);
  if (!known.length) return "–";
  const [low, high] = [Math.min(...known), Math.max(...known)].map(number);
  return low === high ? low : `${low} – ${high}`;
}

function distinct(run) {
  const units = range(run, ({ forward }) => forward?.units || null);
  return units === "–" ? units : `${range(run, ({ forward }) => (forward?.units ? forward.distinct : null))} / ${units}`;
}
