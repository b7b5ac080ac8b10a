// The link to what is in view, from the header: shared where a phone can, copied elsewhere.
import { copy } from "./copying.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { t } from "../words/language.js";
import { address } from "../frame/state.js";

// A sheet to share with is for fingers; with a mouse, copying is what is meant.
const sheet = () => "share" in navigator && matchMedia("(pointer: coarse)").matches;

export async function shareLink() {
  const url = await address();
  if (!sheet()) return copy(url, t("take.the-link"));
  try {
    await navigator.share({ title: t("page.title"), url });
  } catch (error) {
    if (error.name !== "AbortError") await copy(url, t("take.the-link")); // not shared after all, or not wanted
  }
}

export function linkButton() {
  return h(
    "button",
    { type: "button", class: "switch", "data-key": "copy-link", title: t("take.link.title"), onclick: shareLink },
    icon("link"),
    h("span", {}, t("take.link")),
  );
}
