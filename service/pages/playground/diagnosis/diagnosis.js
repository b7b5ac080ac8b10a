// The diagnosis, from what matters first to what is looked up: the verdict with what to change, the network's blocks, how
// signals and gradients are spread, their sizes, why, the weights, and two longer looks.
import "./words.js";
import { attentionSection, blocksSection, hasBlocks } from "./blocks.js";
import { banner } from "./banner.js";
import { h, keeper, replace } from "../frame/dom.js";
import { t } from "../words/language.js";
import { parts } from "../frame/soon.js";
import { problemBox, readdressed } from "../frame/problems.js";
import { reasonsSection } from "./reasons.js";
import { counted } from "../live/near.js";
import { weightsSection as heatSection } from "../live/weights.js";
import { halfOf, sizesHeight, sizesSection } from "./sizes.js";
import { spreadsHeight, spreadsSection } from "./spreads.js";
import { studies } from "./studies.js";
import { warningsSection } from "./warnings.js";
import { weightsHeight, weightsSection } from "./weights.js";
import { waiting } from "../frame/waiting.js";

const EDGES = 38; // pixels of a card left and right
const ROW = 64; // of a table of reasons
const MOST_ROWS = 12;
const BLOCKS = 900; // pixels, about, of the blocks' figures and folds
const LEAST = 260; // pixels of a figure's width

export const ASKS = ["stack"];

const keep = keeper();
const part = parts();

export function render(root, { shared, answers, catalogue, studies: studied }) {
  const answer = answers.stack;
  const width = root.clientWidth;
  replace(
    root,
    h("h2", { class: "unseen" }, t("view.diagnosis")),
    readdressed(answer.problems, shared.spec).map((problem) => problemBox(problem, shared.spec, counted(answer) !== null)),
    verdictOrWaiting(answer, shared, catalogue, width),
    partsOf(answer, shared, Math.max(LEAST, width - EDGES)),
    heatSection({ shared, answers }, width),
    keep("studies", [shared.spec, shared.batch, shared.across, shared.steps, studied.across, studied.steps, width], () => studies({ shared, answers, studies: studied }, width)),
  );
}

function verdictOrWaiting(answer, { spec }, catalogue, width) {
  if (answer.diagnosis)
    return keep("banner", [answer.diagnosis, answer.statistics, spec, catalogue.schemes, width], () => banner(answer, spec, catalogue, width));
  return !answer.problems.length && waiting({ class: "card verdict-to-come", tabindex: -1, "data-key": "verdict" });
}

// The pictures of the last answer stay, faded and out of reach, until there are new ones; nothing is said of them. What
// this browser measured itself is shown meanwhile, without a verdict.
function partsOf(answer, shared, width) {
  const { before, near } = answer;
  const judged = { ...dated(answer.diagnosis, before?.diagnosis), width };
  const measured = near?.diagnosis && !answer.diagnosis ? { shown: near.diagnosis, current: true, width } : judged;
  const weights = { ...dated(counted(answer), before?.statistics), width, array: shared.array };
  if (!measured.shown && !answer.problems.length) return h("div", { class: "pictures-to-come" });
  const blocks = judged.shown && hasBlocks(judged.shown);
  return [
    blocks && blocksPart(judged),
    measured.shown && spreadsPart({ ...measured, axis: shared.ridges.scale }),
    measured.shown && sizesPart(measured),
    judged.shown && !blocks && reasonsPart(judged),
    answer.statistics && warningsSection(answer.statistics.warnings, shared.spec),
    weights.shown && weightsPart(weights),
  ];
}

const dated = (now, before) => ({ shown: now ?? before, current: Boolean(now) });

const blocksPart = ({ shown, current, width }) =>
  put("blocks", current, [shown, width], BLOCKS, () => [blocksSection(shown, halfOf(width)), attentionSection(shown)]);

const spreadsPart = ({ shown, current, axis, width }) =>
  put("spreads", current, [shown, axis, width], spreadsHeight(shown, width), () => [spreadsSection(shown, axis, width)]);

const sizesPart = ({ shown, current, width }) => put("sizes", current, [shown, width], sizesHeight(width), () => [sizesSection(shown, width)]);

const reasonsPart = ({ shown, current }) =>
  put("reasons", current, [shown], ROW * Math.min(MOST_ROWS, shown.layers.length), () => [attentionSection(shown), reasonsSection(shown)]);

const weightsPart = ({ shown, current, array, width }) =>
  put("weights", current, [shown, array, width], weightsHeight(shown), () => [weightsSection(shown, array, width)]);

function put(name, current, inputs, height, make) {
  const element = part(name, inputs, height, make);
  element.inert = !current;
  element.classList.toggle("past", !current);
  return element;
}
