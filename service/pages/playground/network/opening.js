// Files opened by a button, dropped anywhere on the page, or pasted: read in the browser, and taken as the network.
// The readers come when they are first wanted.
import "../files/words.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { read as ask } from "../frame/service.js";
import { edit, state, update } from "../frame/state.js";
import { t, whole } from "../words/language.js";
import { changeSpec } from "./changes.js";

const picker = h("input", {
  type: "file",
  multiple: true,
  hidden: true,
  "data-key": "file",
  onchange: () => open([...picker.files]).finally(() => (picker.value = "")),
});
document.body.append(picker);

export const chooseFile = () => picker.click();

export const openButton = () =>
  h("button", { type: "button", class: "quiet", "data-key": "open-file", title: t("file.kinds"), onclick: chooseFile }, icon("open"), t("file.open"));

// What came of the last file, until it is closed or another network is chosen: {key, values, wrong, text of its spec}.
let outcome = null;

export function opened(spec) {
  if (outcome && !outcome.wrong && outcome.of !== JSON.stringify(spec)) outcome = null;
  if (!outcome) return null;
  const close = h("button", { type: "button", class: "tool", "data-key": "close-opened", "aria-label": t("page.close"), onclick: () => update(() => (outcome = null)) }, icon("remove"));
  const { key, values, wrong } = outcome;
  const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === "number" ? whole(value) : value]));
  const near = key === "config.unknown" && values.near ? ` ${t("config.near", values)}` : "";
  return h("div", { class: `opened${wrong ? " wrong" : ""}`, role: wrong ? "alert" : "status" }, icon(wrong ? "wrong" : "yes"), h("p", {}, t(key, shown) + near), close);
}

export async function open(files) {
  if (!files.length) return;
  await take(async ({ readFiles }) => readFiles(files, await recipes()));
}

// The catalogue's, or, where it is still on its way, asked for here; none without the service.
async function recipes() {
  if (state.catalogue.recipes.length) return state.catalogue.recipes;
  return (await ask("recipes").catch(() => ({ recipes: [] }))).recipes;
}

const WITHOUT = ["home", "lessons", "starts", "streams"]; // views that show no network of the reader's

async function take(read) {
  const reading = await import("../files/reading.js");
  try {
    const { spec, told } = await read(reading);
    update(() => Object.assign(state, { open: null, until: null }));
    changeSpec(`open ${performance.now()}`, ({ seed }) => (("seed" in spec) ? spec : { seed, ...spec }));
    outcome = { ...told, wrong: false, of: JSON.stringify(state.shared.spec) };
  } catch (error) {
    if (!error.key) throw error;
    outcome = { key: error.key, values: { name: t("file.clipboard"), ...error.values }, wrong: true };
  }
  if (WITHOUT.includes(state.shared.view)) edit("view", (shared) => (shared.view = "diagnosis"));
  update(() => {});
}

// The overlay says what may be let go here.
const overlay = h("div", { class: "overlay", hidden: true });
document.body.append(overlay);

const carriesFiles = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes("Files");
let inside = 0; // elements entered and not left

addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  inside += 1;
  overlay.replaceChildren(h("div", {}, icon("open"), h("h2", {}, t("file.drop")), h("p", {}, t("file.kinds")), h("p", {}, t("file.private"))));
  overlay.hidden = false;
});
addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  inside -= 1;
  overlay.hidden = inside > 0;
});
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  inside = 0;
  overlay.hidden = true;
  const folder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
  const files = [...event.dataTransfer.files];
  if (!folder) return open(files);
  outcome = { key: "file.folder", values: {}, wrong: true };
  update(() => {});
});

// Text pasted beside all fields: a spec or a config is taken, anything else is left alone.
addEventListener("paste", (event) => {
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const files = [...(event.clipboardData?.files ?? [])];
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!files.length && !text.trim().startsWith("{")) return;
  event.preventDefault();
  if (files.length) open(files);
  else take(async ({ readPasted }) => readPasted(text, await recipes()));
});
