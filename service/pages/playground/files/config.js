// A published model's config.json: which recipe, which size and which head it asks for.
import { Unreadable } from "./unreadable.js";

const CLASSES = { UNet2DModel: "unet_2d", UNet2DConditionModel: "unet_2d_condition" }; // of diffusers, by their configs' word
const PARTS = ["text_config", "llm_config", "language_config", "vision_config"]; // of models made of several
const NOISE = new Set(["_name_or_path", "transformers_version", "auto_map", "task_specific_params", "label2id"]);

export const isConfig = (document) =>
  ["model_type", "_class_name", "architectures"].some((member) => typeof document[member] === "string" || Array.isArray(document[member])) ||
  (typeof document.architecture === "string" && ("num_classes" in document || "pretrained_cfg" in document));

// {spec, told: {key, values}}: what the config comes to, and a sentence on it; raises Unreadable for a model that
// no recipe is of.
export function fromConfig(config, recipes) {
  const named = timmModel(config, recipes);
  if (named) return { spec: named, told: { key: "config.read", values: { recipe: named.recipe, head: "" } } };
  const entry = entryOf(config, recipes);
  if (entry) return { spec: specOf(entry, config), told: toldOf(entry, config) };
  for (const part of PARTS) {
    const within = config[part] && entryOf(config[part], recipes);
    if (within)
      return { spec: specOf(within, config[part]), told: { key: "config.part", values: { type: typeOf(config), recipe: within.name, part } } };
  }
  const known = recipes.filter(({ model_type: type }) => type).map(({ name }) => name);
  throw new Unreadable("config.unknown", { type: typeOf(config), known: known.join(", "), near: nearest(typeOf(config), known) });
}

const typeOf = ({ model_type: type, _class_name: kind, architectures }) => type ?? kind ?? architectures?.[0] ?? "?";

const entryOf = ({ model_type: type, _class_name: kind }, recipes) =>
  recipes.find(({ model_type: known, library }) => known && known === type && library === "transformers") ??
  (CLASSES[kind] && recipes.find(({ name }) => name === CLASSES[kind]));

// timm's config.json names an architecture, which is a size here.
function timmModel({ architecture }, recipes) {
  if (typeof architecture !== "string") return null;
  const size = architecture.replace(/^mixer_/, "");
  const entry = recipes.find(({ library, sizes }) => library === "timm" && sizes.some(({ name }) => name === size));
  return entry ? { recipe: entry.name, size } : null;
}

const headOf = ({ architectures: heads = {} }, { architectures = [] }) => Object.keys(heads).find((head) => heads[head] === architectures?.[0]);

function specOf(entry, config) {
  const head = headOf(entry, config);
  const kept = Object.fromEntries(Object.entries(config).filter(([name]) => !NOISE.has(name)));
  return { recipe: entry.name, config: kept, ...(head && { head }) };
}

function toldOf(entry, config) {
  const head = headOf(entry, config);
  const [stated] = config.architectures ?? [];
  const bare = !stated || !/For|LMHead/.test(stated);
  if (head || bare) return { key: head ? "config.with-head" : "config.read", values: { recipe: entry.name, head: head ?? "" } };
  return { key: "config.no-head", values: { recipe: entry.name, stated } };
}

// The known word that has the longest beginning in common; none where that is short.
function nearest(type, known) {
  const common = (name) => [...name].findIndex((letter, index) => letter !== type[index]);
  const scored = known.map((name) => ({ name, length: common(name) < 0 ? name.length : common(name) }));
  const best = scored.toSorted((one, other) => other.length - one.length)[0];
  return best && best.length >= 3 ? best.name : "";
}
