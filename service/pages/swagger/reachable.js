// Gives names, levels and tab stops to what Swagger UI draws without them, each time it draws.
const NAMES = [
  ["select.examples-select-element", "Example"],
  ["select.content-type", "Media type"],
  [".parameters select, .body-param-options select", "Value"],
];

function mend(root) {
  for (const [selector, name] of NAMES)
    for (const select of root.querySelectorAll(`${selector}:not([aria-label])`)) select.setAttribute("aria-label", name);
  for (const select of root.querySelectorAll("select:not([aria-label]):not([id])")) select.setAttribute("aria-label", "Choice");
  for (const text of root.querySelectorAll("pre:not([tabindex]), .example:not([tabindex]), .example-wrap:not([tabindex])")) text.tabIndex = 0;
  for (const heading of root.querySelectorAll("h3.opblock-tag:not([aria-level])")) heading.ariaLevel = "2";
  for (const heading of root.querySelectorAll(".opblock h4:not([aria-level])")) heading.ariaLevel = "3";
  for (const part of root.querySelectorAll(".information-container:not([role])")) {
    part.role = "region";
    part.ariaLabel = "About this service";
  }
}

const root = document.getElementById("swagger");
let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    mend(root);
  });
}).observe(root, { childList: true, subtree: true });
