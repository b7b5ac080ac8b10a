// A problem document in plain words, and what to do about it.
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { layersOf, nameOf, sizeName } from "./spec.js";

export function problemBox(problem, spec) {
  if (problem.detail === "offline") return box(h("h3", {}, t("problem.offline")));
  return box(
    h("h3", {}, t("problem.title")),
    problem.errors.length ? null : h("p", { lang: "en" }, problem.detail),
    h(
      "ul",
      {},
      problem.errors.map(({ pointer, detail }) =>
        h("li", {}, h("strong", {}, place(pointer, spec)), " ", h("span", { lang: "en" }, detail)),
      ),
    ),
    problem.remedy ? h("p", {}, t("problem.try"), " ", h("code", {}, JSON.stringify(problem.remedy))) : null,
  );
}

const box = (...words) => h("section", { class: "card problem", role: "alert" }, icon("wrong"), h("div", {}, words));

// `/layers/1/shape/0` as its layer's name and its field's label.
function place(pointer, spec) {
  const [, root, index, field, ...rest] = pointer.split("/");
  const layer = root === "layers" && spec ? layersOf(spec)[index] : null;
  if (!layer) return `${pointer.slice(1)}:`;
  const name = nameOf(layer, index);
  if (!field) return `${name}:`;
  const label =
    field === "shape" && rest.length
      ? t(`size.${sizeName(layer, Number(rest[0]))}`)
      : [t(`field.${field}`), ...rest].join(" ");
  return t("problem.place", { name, field: label });
}
