// The API key of whoever reads this page: asked for where the service wants one, kept by the browser only if that is wished.
import { follow } from "./answers.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { isUnknown, keyOf, useKey } from "./service.js";
import { state, update } from "./state.js";
import { t } from "../words/language.js";

// `(heavy)` in a refusal says which of the service's scopes is closed.
const scopeOf = ({ detail }) => /\((\w+)\)/.exec(detail)?.[1] ?? "weights";

export function keyBox(problem) {
  const words = isUnknown(problem) ? "key.unknown" : problem.type.endsWith("key-needed") ? `key.${scopeOf(problem)}` : "key.missing";
  return h(
    "section",
    { class: "card problem", role: "alert" },
    icon("wrong"),
    h("div", {}, h("h3", {}, t("key.title")), h("p", {}, t(words)), keyForm()),
  );
}

function keyForm() {
  const written = h("input", { type: "password", name: "key", required: true, autocomplete: "off", spellcheck: "false", "data-key": "key" });
  const kept = h("input", { type: "checkbox", name: "kept", "data-key": "key-kept" });
  const use = (event) => {
    event.preventDefault();
    take(written.value.trim(), kept.checked);
  };
  return h(
    "form",
    { class: "key", onsubmit: use },
    h("label", {}, t("key.written"), " ", written),
    h("label", {}, kept, " ", t("key.kept")),
    h("button", { type: "submit", class: "quiet", "data-key": "key-use" }, t("key.use")),
    keyOf() ? h("button", { type: "button", class: "quiet", "data-key": "key-forget", onclick: () => take("", false) }, t("key.forget")) : null,
  );
}

// What was refused is asked again, with the new key or without one.
function take(key, kept) {
  useKey(key, kept);
  update(() => {});
  follow(state);
}
