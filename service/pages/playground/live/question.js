// Which trainings this browser can do, what they cost, and the starts that they are made from.
import { schemes as known } from "../initserve.js";
import { isChain } from "./chain.js";
import { FUNCTIONS } from "./functions.js";
import { TASKS } from "./tasks.js";
import { general } from "./written.js";

const LARGEST_SEED = 2n ** 64n;
const AS_IN_THE_SPEC = "as in the spec";
// Of a step, in the service's operations: what is as quick here as there, and what is done here where there is no service.
const [QUICK, POSSIBLE] = [2 ** 24, 2 ** 27];
const MOST_LAYERS = 32;
const [PER_UNIT, PER_PARAMETER, PER_LAYER, PER_STEP] = [250, 64, 250_000, 350_000]; // as the service reckons

// The spec within a question, and what is said of the training.
export function partsOf({ task, schemes, restarts, steps, learning_rate, batch, watch, ...spec }) {
  const training = { task, schemes: schemes ?? null, restarts: restarts ?? 1, steps: steps ?? 200, learning_rate: learning_rate ?? 0.1, batch: batch ?? 64, watch: watch ?? false };
  return { spec, training };
}

// What a step costs, in multiplications that take as long.
export function operationsOf({ layers }, { task, batch }) {
  const parameters = layers.reduce((found, { shape, bias }) => found + shape[0] * shape[1] + (bias === null ? 0 : shape[1]), 0);
  const units = layers.reduce((found, { shape }) => found + shape[1], 0);
  const arithmetic = (batch || TASKS[task].examples) * (3 * parameters + PER_UNIT * units) + PER_PARAMETER * parameters;
  return arithmetic + PER_LAYER * layers.length + PER_STEP;
}

// A spec with a scheme on all its weights.
const under = (spec, scheme) => (scheme === null ? spec : { ...spec, layers: spec.layers.map((layer) => ({ ...layer, scheme })) });

// Each start, {name, seed, spec}: every scheme in turn, as often as there are restarts, with the seeds that follow.
export function startsOf({ spec, training: { schemes, restarts } }) {
  return (schemes ?? [null]).flatMap((scheme) =>
    Array.from({ length: restarts }, (_, restart) => {
      const seed = String((BigInt(spec.seed) + BigInt(restart)) % LARGEST_SEED);
      return { name: called(scheme), seed, spec: { ...under(spec, scheme), seed } };
    }),
  );
}

// A scheme's name, with those of its arguments that are not the name's own.
function called(scheme) {
  if (scheme === null) return AS_IN_THE_SPEC;
  if (typeof scheme === "string") return scheme;
  const usual = known[scheme.name];
  const own = Object.keys(usual).filter((argument) => scheme[argument] !== undefined && scheme[argument] !== usual[argument]);
  return own.length ? `${scheme.name}(${own.map((argument) => `${argument}=${shown(scheme[argument])}`).join(", ")})` : scheme.name;
}

const shown = (value) => (typeof value === "number" ? general(value) : typeof value === "boolean" ? (value ? "True" : "False") : value);

const isWhole = (value, least, most) => Number.isSafeInteger(value) && value >= least && value <= most;
const isScheme = (scheme) => typeof scheme === "string" || (typeof scheme?.name === "string" && Object.hasOwn(known, scheme.name));

function isTraining({ task, schemes, restarts, steps, learning_rate, batch }) {
  const counts = isWhole(restarts, 1, 10) && isWhole(steps, 1, 2000) && isWhole(batch, 0, 512);
  const rate = typeof learning_rate === "number" && learning_rate > 0 && learning_rate <= 1000;
  const starts = schemes === null || (Array.isArray(schemes) && isWhole(schemes.length, 1, 6) && schemes.every(isScheme));
  return counts && rate && starts && Object.hasOwn(TASKS, task);
}

// Whether a chain reads a task's features and gives as many numbers as it needs, without an activation at the end.
function suits({ layers }, { features, outputs, classes }) {
  const { shape, activation = "linear" } = layers.at(-1);
  const ends = activation === "linear" || (classes && activation === "softmax");
  const hidden = layers.slice(0, -1).every((layer) => Object.hasOwn(FUNCTIONS, layer.activation ?? "linear"));
  return ends && hidden && layers[0].shape[0] === features && shape[1] === outputs && layers.length <= MOST_LAYERS;
}

// Whether this browser can train what POST /train is asked without a step that takes long; `alone`, where no service is
// there to do it sooner, also with steps of some tens of milliseconds.
export function trainable(question, { alone = false } = {}) {
  const { spec, training } = partsOf(question);
  if (!isTraining(training) || !Array.isArray(spec.layers) || spec.input_shape) return false;
  const starts = [null, ...(training.schemes ?? [])].map((scheme) => under(spec, scheme));
  return starts.every(isChain) && suits(spec, TASKS[training.task]) && operationsOf(spec, training) <= (alone ? POSSIBLE : QUICK);
}
