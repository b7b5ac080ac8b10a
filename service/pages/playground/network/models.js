// Published models by name: a list to search, grouped by what they are for.
import { focusOn, h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit, onRender, state } from "../frame/state.js";
import { count as counted, t } from "../words/language.js";

// What each recipe is for; one that is not here stands with the others.
const GROUPS = {
  decoders: ["gpt2", "llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma2", "gemma3_text", "gemma3", "phi3", "gpt_neox", "opt", "bloom", "deepseek_v3", "gpt_oss", "mamba", "lstm_lm"],
  encoders: ["bert", "roberta", "distilbert", "deberta_v2", "t5", "bart"],
  images: ["vit", "dinov2", "convnext", "resnet", "torchvision_resnet", "timm_resnet", "resnet50", "vgg16", "mlp_mixer", "clip", "siglip", "lenet5"],
  diffusion: ["unet_2d", "unet_2d_condition", "unet"],
  sound: ["whisper", "wav2vec2"],
  control: ["actor_critic"],
  starts: ["megatron", "deepnorm", "t_fixup", "mup", "lora", "fixup"],
};

const search = h("input", { type: "search", id: "model-search", class: "wide", autocomplete: "off", spellcheck: "false", "data-key": "model-search", oninput: () => fill() });
const label = h("label", { for: "model-search" });
const title = h("h2", { id: "models-title" });
const results = h("div", { class: "models" });
const count = h("p", { class: "note", role: "status" });
const close = h("button", { type: "button", class: "tool", "data-key": "close-models", onclick: () => dialog.close() }, icon("remove"));
const dialog = h(
  "dialog",
  { class: "card models-dialog", "aria-labelledby": "models-title", onclick: (event) => event.target === dialog && dialog.close(), onclose: () => focusOn("models") },
  h("div", { class: "dialog-head" }, title, close),
  h("div", { class: "field" }, label, search),
  count,
  results,
);
document.body.append(dialog);

export function show() {
  title.textContent = t("models.title");
  label.textContent = t("models.search");
  search.placeholder = t("models.example");
  close.setAttribute("aria-label", t("page.close"));
  search.value = "";
  fill();
  dialog.showModal();
  search.focus();
}

let filled = null; // the recipes that are shown: the catalogue may come after the dialog
onRender(({ catalogue }) => dialog.open && catalogue.recipes !== filled && fill());

function fill() {
  filled = state.catalogue.recipes;
  const found = matching(state.catalogue.recipes, search.value);
  count.textContent = t("models.count", { count: found.reduce((sum, { recipes }) => sum + recipes.length, 0) });
  replace(results, found.map(groupOf));
}

// The recipes, by group, in which every word that is searched for occurs: in their name, sizes, summary or group.
export function matching(recipes, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const known = new Set(Object.values(GROUPS).flat());
  const groups = { ...GROUPS, others: recipes.map(({ name }) => name).filter((name) => !known.has(name)) };
  return Object.entries(groups)
    .map(([group, names]) => ({ group, recipes: names.map((name) => recipes.find((recipe) => recipe.name === name)).filter((recipe) => recipe && fits(recipe, group, words)) }))
    .filter(({ recipes: some }) => some.length);
}

function fits({ name, summary, sizes, model_type: type = "" }, group, words) {
  const text = [name, name.replaceAll("_", " "), type, summary, t(`models.${group}`), ...sizes.map((size) => size.name)].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function groupOf({ group, recipes }) {
  return h("section", { "aria-label": t(`models.${group}`) }, h("h3", {}, t(`models.${group}`)), h("ul", {}, recipes.map(recipeRow)));
}

function recipeRow({ name, sizes, network }) {
  return h(
    "li",
    { class: "model" },
    h("strong", {}, name),
    network ? null : h("span", { class: "note" }, t("models.weights-alone")),
    h(
      "span",
      { class: "sizes" },
      sizes.map((size) =>
        h(
          "button",
          { type: "button", class: "chip", "data-key": `model-${name}-${size.name}`, onclick: () => choose(name, size.name) },
          h("span", { class: "unseen" }, `${name} `),
          size.name,
          h("span", { class: "note" }, ` ${counted(size.elements)}`),
        ),
      ),
    ),
  );
}

function choose(recipe, size) {
  dialog.close();
  state.open = null;
  edit(`recipe ${recipe} ${size}`, (shared) => (shared.spec = { seed: shared.spec.seed, recipe, size }));
}
