// Shows that nothing depends on where weights are drawn: this browser draws some, the service tells its digest of them.
import { draw, sha256 } from "../initserve.js";
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { ask, Problem } from "../frame/service.js";
import { update } from "../frame/state.js";
import { number, t } from "../words/language.js";

const SPEC = { seed: "42", layers: [{ name: "fc1", type: "dense", shape: [100, 100], activation: "relu" }] };
const KEY = "fc1/kernel";
const SHOWN = 6;
const LONGEST = 16; // letters of a digest that are shown

let known = null; // {digest, link} as the service tells them; false where it was not reached
let drawn = null;
let asking = false;

// Nothing is drawn or asked until somebody looks.
export function proof(place, linked, fold) {
  fold.ontoggle = () => fold.open && update(() => {});
  if (!fold.open) return;
  drawn ??= draw(SPEC).get(KEY);
  if (!asking) look();
  const digest = [...sha256(drawn.bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  replace(
    place,
    h("h3", {}, t("home.proof")),
    h("p", { class: "values" }, h("code", {}, `${KEY}: `, [...drawn.data.slice(0, SHOWN)].map((value) => number(value)).join("  "), "  …")),
    known !== null && h("p", { class: "agreement" }, icon(known && known.digest !== digest ? "wrong" : "yes"), words(digest)),
  );
  replace(linked, known && h("a", { href: known.link }, h("code", {}, `${known.link.slice(0, 48)}…`)));
}

function words(digest) {
  const short = `${digest.slice(0, LONGEST)}…`;
  if (!known) return t("home.proof.unasked", { digest: short });
  return t(known.digest === digest ? "home.proof.same" : "home.proof.other", { digest: short });
}

async function look() {
  asking = true;
  try {
    const { layers, links } = await ask("init?include=statistics", SPEC);
    known = { digest: layers[0].parameters[0].sha256, link: new URL(links.safetensors.replace(/^\//, ""), document.baseURI).href };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    known = false;
  }
  update(() => {});
}
