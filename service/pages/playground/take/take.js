// What a reader takes along: the request as code, the weights by their addresses, the picture as a link.
import "./words.js";
import { addressesOf } from "./addresses.js";
import { h, replace } from "../frame/dom.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { file, Problem } from "../frame/service.js";
import { address, state, update } from "../frame/state.js";
import { pretty } from "../network/text.js";
import { asTrained, question } from "../train/question.js";

const FORMATS = ["npz", "safetensors"];
const LANGUAGES = { curl: "curl", python: "Python", javascript: "JavaScript" };

const python = (json) =>
  json.replaceAll(
    /"(?:[^"\\]|\\.)*"|\b(?:null|true|false)\b/g,
    (token) => ({ null: "None", true: "True", false: "False" })[token] ?? token,
  );

const CODE = {
  curl: (url, body) =>
    `curl --silent ${url} \\\n  --header 'content-type: application/json' \\\n  --data '${body.replaceAll("'", "'\\''")}'`,
  python: (url, body) =>
    `import httpx\n\nspec = ${python(body)}\nanswer = httpx.post("${url}", json=spec, timeout=60).raise_for_status().json()`,
  javascript: (url, body) =>
    `const spec = ${body};\nconst response = await fetch("${url}", {\n  method: "POST",\n  headers: { "content-type": "application/json" },\n  body: JSON.stringify(spec),\n});\nconst answer = await response.json();`,
};

function request({ shared }) {
  return shared.view === "train" && asTrained(shared.spec, shared.train)
    ? ["train", question(shared)]
    : ["init", shared.spec];
}

export function code(name) {
  const [path, asked] = request(state);
  return CODE[name](new URL(path, document.baseURI).href, pretty(asked));
}

export function render(root, current) {
  const { shared, code: shown, taking } = current;
  root.hidden = ["lessons", "starts"].includes(shared.view);
  replace(
    root,
    h("h2", { id: "take-title" }, t("take.title")),
    h(
      "div",
      { class: "actions" },
      Object.entries(LANGUAGES).map(([name, label]) =>
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `copy-${name}`,
            "aria-label": t("take.copy", { what: label }),
            "aria-pressed": `${shown === name}`,
            onclick: () => copyCode(name),
          },
          icon("copy"),
          label,
        ),
      ),
      h(
        "button",
        { type: "button", class: "quiet", "data-key": "copy-link", onclick: copyLink },
        icon("link"),
        t("take.link"),
      ),
    ),
    h(
      "pre",
      {
        class: "code",
        tabindex: 0,
        role: "region",
        "aria-label": t("take.code", { what: LANGUAGES[shown] }),
        "data-key": "code",
        "data-scroll": "code",
      },
      h("code", {}, code(shown)),
    ),
    addressesOf(current, copy, saveButtons),
    taking ? problemBox(taking, shared.spec) : null,
  );
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

async function copyCode(name) {
  update((current) => (current.code = name));
  await copy(code(name), LANGUAGES[name]);
}

export const copyLink = async () => copy(await address(), t("take.the-link"));

async function copy(value, what) {
  try {
    await navigator.clipboard.writeText(value);
    say(t("take.copied", { what }));
  } catch {
    say(t("take.not-copied"));
  }
}

async function save(format) {
  try {
    const { name, blob } = await file(format, state.shared.spec);
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may still be reading it
    say(t("take.saved", { name }));
    update((current) => (current.taking = null));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    update((current) => (current.taking = error));
  }
}

let fading = 0;

// Says what was done, to eyes and to screen readers.
export function say(words) {
  const toast = document.getElementById("toast");
  toast.textContent = words;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), 2600);
}
