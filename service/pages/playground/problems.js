// A problem document in plain words, and what to do about it.
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

export function problemBox(problem) {
  const offline = problem.detail === "offline";
  return h(
    "section",
    { class: "card problem", role: "alert" },
    icon("wrong"),
    h(
      "div",
      {},
      h("h3", {}, offline ? t("problem.offline") : t("problem.title")),
      offline ? null : h("p", { lang: "en" }, problem.title === problem.detail ? problem.detail : `${problem.title}: ${problem.detail}`),
      problem.errors.length ? h("ul", {}, problem.errors.map(({ pointer, detail }) => h("li", {}, h("code", {}, pointer || "/"), " ", h("span", { lang: "en" }, detail)))) : null,
      problem.remedy ? h("p", {}, t("problem.try"), " ", h("code", {}, JSON.stringify(problem.remedy))) : null,
    ),
  );
}
