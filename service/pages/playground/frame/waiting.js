// What stands in an answer's place until it comes.
import { h } from "./dom.js";
import { t } from "../words/language.js";

export function waiting(properties = {}) {
  return h(
    "div",
    { ...properties, class: `waiting ${properties.class ?? ""}` },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    h("p", {}, t("asking")),
  );
}

// What answers an earlier question: seen, but neither pressed nor read out.
export function past(content) {
  return h("div", { class: "past", inert: true }, content);
}
