// On a narrow screen the answer stands below the network: a strip at the foot tells it until it comes into sight.
import { h, replace } from "./dom.js";
import { t } from "../words/language.js";
import { icon } from "./icons.js";
import { mark } from "../diagnosis/verdicts.js";

const SEEN = "0px 0px -30% 0px"; // of the window's height: an answer that only just shows is not yet seen

const strip = document.getElementById("strip");
const panel = document.getElementById("panel");

new IntersectionObserver(
  ([{ isIntersecting, boundingClientRect }]) => {
    strip.hidden = isIntersecting || boundingClientRect.top < 0;
  },
  { rootMargin: SEEN },
).observe(panel);

export function render({ shared, answers, training }) {
  const words = {
    diagnosis: () => [told(answers.stack), meant(answers.stack)],
    compare: () => ["a", "b"].map((side) => [h("strong", {}, side.toUpperCase()), told(answers[side])]),
    train: () => trained(training),
  }[shared.view];
  replace(
    strip,
    words &&
      h(
        "button",
        { type: "button", "data-key": "strip", onclick: toAnswer },
        h("span", { class: "strip-words" }, words()),
        icon("down"),
        h("span", { class: "unseen" }, t("page.skip")),
      ),
  );
}

function told({ diagnosis, problems, asking }) {
  if (asking) return [h("span", { class: "spinner", "aria-hidden": "true" }), t("asking")];
  if (diagnosis) return [mark(diagnosis.verdict, 18), h("span", {}, t(`verdict.${diagnosis.verdict}`))];
  return problems.length ? [icon("wrong"), h("span", {}, t("strip.problem"))] : null;
}

// What a verdict means, where there is one answer alone and so the room to say it.
const meant = ({ diagnosis }) => diagnosis && h("span", { class: "strip-more" }, t(`summary.${diagnosis.verdict}`));

function trained({ runs, running, total }) {
  if (running) return t("strip.training", { run: Math.max(1, runs.length), total });
  const done = runs.filter((run) => run.learnt !== undefined);
  if (!done.length) return t("strip.untrained");
  return t("strip.trained", { learnt: done.filter((run) => run.learnt).length, total: done.length });
}

function toAnswer() {
  panel.scrollIntoView({ block: "start" });
  panel.focus({ preventScroll: true });
}
