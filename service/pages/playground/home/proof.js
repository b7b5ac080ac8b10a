// Shows that nothing depends on where weights are drawn: this browser draws some, the service tells its digest of them.
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { ask, Problem } from "../frame/service.js";
import { update } from "../frame/state.js";
import { digestIn, proof } from "../live/live.js";
import { number, t } from "../words/language.js";

const SPEC = { seed: "42", layers: [{ name: "fc1", type: "dense", shape: [100, 100], activation: "relu" }] };
const DIGITS = 16; // of a digest that are shown
const LETTERS = 48; // of a link

let drawn = null; // what this browser made
let far = null; // {digest, link} as the service tells them; false where it was not reached
let begun = false;

// Nothing is drawn or asked until somebody looks.
export function showProof(place, linked, fold) {
  fold.ontoggle = () => fold.open && update(() => {});
  if (!fold.open) return;
  if (!begun) look();
  if (!drawn) return;
  replace(
    place,
    h("h3", {}, t("home.proof")),
    h("p", { class: "values" }, h("code", {}, `${drawn.key}: ${drawn.values.map(number).join("  ")}  …`)),
    far !== null && h("p", { class: "agreement" }, icon(far && far.digest !== drawn.sha256 ? "wrong" : "yes"), words()),
  );
  replace(linked, far && h("a", { href: far.link }, h("code", {}, `${far.link.slice(0, LETTERS)}…`)));
}

function words() {
  const digest = `${drawn.sha256.slice(0, DIGITS)}…`;
  if (!far) return t("home.proof.unasked", { digest });
  return t(far.digest === drawn.sha256 ? "home.proof.same" : "home.proof.other", { digest });
}

async function look() {
  begun = true;
  drawn = await proof(SPEC);
  update(() => {});
  try {
    const answer = await ask("init?include=statistics", SPEC);
    const link = new URL(answer.links.safetensors.replace(/^\//, ""), document.baseURI).href;
    far = { digest: digestIn(answer, drawn.key), link };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    far = false;
  }
  update(() => {});
}
