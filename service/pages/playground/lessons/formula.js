// Text in which sizes such as n_in and n_out are set as a formula has them.
import { h } from "../frame/dom.js";

const SIZES = /n_(in|out)\b/;

export const formula = (text) =>
  text.split(SIZES).map((part, index) => (index % 2 ? h("span", { class: "size-name" }, h("i", {}, "n"), h("sub", {}, part)) : part));
