// One small button on every figure: saved as SVG, which stands alone, or as PNG at twice its size.
import { standing, text } from "./standing.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { address, state } from "../frame/state.js";
import { saveFile, say } from "../take/copying.js";
import { t } from "../words/language.js";

const TWICE = 2;
const NAME = 60; // letters of a file's name

export function saveButton(key, title) {
  const choice = (form) =>
    h(
      "button",
      { type: "button", class: "quiet", "data-key": `save-${form}-${key}`, onclick: ({ currentTarget }) => save(currentTarget, title, form) },
      form.toUpperCase(),
    );
  return h(
    "details",
    { class: "save", "data-key": `save-${key}`, onkeydown: closeOnEscape, onfocusout: closeWhenLeft },
    h("summary", { "data-key": `save-summary-${key}`, "aria-label": t("save.figure", { title }), title: t("save.title") }, icon("save")),
    h("div", { class: "save-choices" }, ["svg", "png"].map(choice)),
  );
}

function closeOnEscape({ key, currentTarget }) {
  if (key !== "Escape" || !currentTarget.open) return;
  currentTarget.open = false;
  currentTarget.querySelector("summary").focus();
}

const closeWhenLeft = ({ currentTarget, relatedTarget }) => {
  if (relatedTarget && !currentTarget.contains(relatedTarget)) currentTarget.open = false;
};

async function save(button, title, form) {
  const figure = button.closest("figure");
  button.closest("details").open = false;
  try {
    const drawn = await standing(figure, await told(title, figure));
    const made = text(drawn);
    const blob = form === "svg" ? new Blob([made], { type: "image/svg+xml" }) : await png(made, drawn);
    saveFile(`${nameOf(title)}.${form}`, blob);
  } catch {
    say(t("save.failed"));
  }
}

async function told(title, figure) {
  const link = await address();
  const { seed } = state.shared.spec;
  const host = new URL(link).host;
  const description = figure.querySelector("[role=img]")?.getAttribute("aria-label") ?? title;
  return { title, link, description, source: t("save.source", { version: state.version, seed: `${seed}`, host }) };
}

// What the file is: the figure's title and the seed.
function nameOf(title) {
  const plain = title.normalize("NFD").replaceAll(/\p{Mark}/gu, "").toLowerCase();
  const words = plain.replaceAll(/[^a-z0-9]+/g, "-").slice(0, NAME).replaceAll(/^-+|-+$/g, "");
  return `initserve-${words || "figure"}-seed-${state.shared.spec.seed}`;
}

export async function png(made, { width, height }) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(made)}`;
  await picture.decode();
  const canvas = h("canvas", { width: width.baseVal.value * TWICE, height: height.baseVal.value * TWICE });
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"));
}
