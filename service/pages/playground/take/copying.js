// Puts text on the clipboard and says so; saves files; says what was done, to eyes and to screen readers.
import { h } from "../frame/dom.js";
import { t } from "../words/language.js";

const SHOWN = 2600; // milliseconds
const READ = 60_000; // milliseconds: a browser may still be reading a file that it saves

export async function copy(value, what) {
  try {
    await navigator.clipboard.writeText(value);
    say(t("take.copied", { what }));
  } catch {
    say(t("take.not-copied"));
  }
}

export function saveFile(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), READ);
  say(t("take.saved", { name }));
}

let fading = 0;

export function say(words) {
  const toast = document.getElementById("toast");
  toast.textContent = words;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), SHOWN);
}
