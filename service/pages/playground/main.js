// Starts the page: the frame and its switches, the catalogue, and which panel is drawn.
import "./frame/words.js";
import "./home/words.js"; // the first screen stands in the HTML: its words are there when the frame is first drawn
import { follow } from "./frame/answers.js";
import { h, replace } from "./frame/dom.js";
import { language, speak, t } from "./words/language.js";
import { icon } from "./frame/icons.js";
import { Problem, read } from "./frame/service.js";
import * as strip from "./frame/strip.js";
import { edit, isOfNetwork, onRender, onShared, readAddress, state, update } from "./frame/state.js";
import { linkButton } from "./take/sharing.js";
import { remember } from "./frame/remembered.js";

// Each view comes when it is first shown, and with the first one about a network what builds it and takes it along.
const VIEWS = {
  home: () => import("./home/home.js"),
  lessons: () => import("./lessons/lessons.js"),
  diagnosis: () => import("./diagnosis/diagnosis.js"),
  compare: () => import("./compare/compare.js"),
  train: () => import("./train/train.js"),
  streams: () => import("./streams/streams.js"),
  starts: () => import("./starts/starts.js"),
};
const BESIDE = { stack: () => import("./network/stack.js"), take: () => import("./take/take.js") };
const modules = {};
const tabbed = () => Object.keys(VIEWS).filter((view) => view !== "home");
const THEME = "initserve-theme";
const RESIZED = 120; // milliseconds without a change

const panel = document.getElementById("panel");
const places = {
  tabs: document.getElementById("tabs"),
  switches: document.getElementById("switches"),
  stack: { form: document.getElementById("stack-form"), parts: document.getElementById("stack-parts") },
  take: document.getElementById("take"),
  notice: document.getElementById("notice"),
};

function renderFrame({ shared, version, broken }) {
  document.documentElement.lang = language();
  document.title = t("page.title");
  for (const element of document.querySelectorAll("[data-words]"))
    element.textContent = t(element.dataset.words);
  document.getElementById("version").textContent = version && `initserve ${version}. `;
  document.body.dataset.view = shared.view;
  delete document.documentElement.dataset.linked; // from here on the view says what is seen
  places.tabs.setAttribute("aria-label", t("view.views"));
  replace(
    places.tabs,
    tabbed().map((view, place) => tab(view, shared.view === "home" ? place === 0 : view === shared.view, view === shared.view)),
  );
  bringTab(shared.view);
  replace(places.switches, linkButton(), languageSwitch(), themeSwitch());
  replace(places.notice, broken && brokenLink());
  if (shared.view === "home") panel.removeAttribute("aria-labelledby");
  else panel.setAttribute("aria-labelledby", `tab-${shared.view}`);
}

let broughtTab = "";

// On a narrow screen tabs are scrolled, and the one in view is seen.
function bringTab(view) {
  const selected = document.getElementById(`tab-${view}`);
  if (view === broughtTab || !selected) return;
  broughtTab = view;
  const { tabs } = places;
  tabs.scrollLeft = selected.offsetLeft - (tabs.clientWidth - selected.offsetWidth) / 2;
}

// Where none is selected, the first one is where the keyboard comes in.
function tab(view, reached, selected) {
  return h(
    "button",
    {
      type: "button",
      role: "tab",
      id: `tab-${view}`,
      "data-key": `tab-${view}`,
      "aria-selected": `${selected}`,
      "aria-controls": "panel",
      tabindex: reached ? 0 : -1,
      onclick: () => show(view),
      onkeydown: walkTabs,
    },
    t(`view.${view}`),
  );
}

// Stays until it is closed: what is seen is not what was sent.
function brokenLink() {
  return h(
    "div",
    { class: "card problem" },
    icon("wrong"),
    h("div", {}, h("h2", {}, t("page.unreadable")), h("p", {}, t("page.unreadable.text"))),
    h(
      "button",
      { type: "button", class: "quiet", "data-key": "close-notice", onclick: () => update(() => (state.broken = false)) },
      t("page.close"),
    ),
  );
}

const show = (view) => edit("view", (shared) => (shared.view = view));

function walkTabs(event) {
  const views = tabbed();
  const here = views.indexOf(state.shared.view);
  const place = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: views.length - 1 }[event.key];
  if (place === undefined) return;
  event.preventDefault();
  const next = views[(place + views.length) % views.length];
  show(next);
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`tab-${next}`).focus()));
}

function languageSwitch() {
  const other = language() === "en" ? "es" : "en";
  return h(
    "button",
    { type: "button", class: "switch", lang: other, "data-key": "language", onclick: () => switchTo(other) },
    t("page.language"),
  );
}

function switchTo(other) {
  speak(other);
  edit("language", (shared) => (shared.language = other));
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeSwitch() {
  const other = isDark() ? "light" : "dark";
  const set = () =>
    update(() => {
      document.documentElement.dataset.theme = other;
      remember(THEME, other);
    });
  return h(
    "button",
    {
      type: "button",
      class: "switch",
      "data-key": "theme",
      "aria-label": t(`page.${other}`),
      title: t(`page.${other}`),
      onclick: set,
    },
    icon(isDark() ? "sun" : "moon"),
  );
}

let spokenVerdict = "";

// Heard once a verdict changes, not at each redrawing.
function announce({ answers }) {
  const { diagnosis: found, problems, asking } = answers.stack;
  if (asking) return;
  const words = problems.length
    ? t("strip.problem")
    : found
      ? `${t(`verdict.${found.verdict}`)}. ${t(`summary.${found.verdict}`)}`
      : "";
  if (words === spokenVerdict) return;
  spokenVerdict = words;
  document.getElementById("verdict-status").textContent = words;
}

function renderPanel(current) {
  const { view: name } = current.shared;
  strip.render(current);
  const view = moduleOf(name, VIEWS[name]);
  // What builds the network stands above the answer on a phone: both are seen at once, so that nothing jumps.
  const beside = isOfNetwork(name) ? Object.keys(BESIDE).map((each) => [each, moduleOf(each, BESIDE[each])]) : [];
  if (!view || beside.some(([, module]) => !module)) return;
  for (const [each, module] of beside) module.render(places[each], current);
  const asking = (view.ASKS ?? []).some((place) => current.answers[place].asking);
  panel.classList.toggle("asking", asking);
  panel.setAttribute("aria-busy", `${asking}`);
  view.render(name === "home" ? document.getElementById("home") : panel, current);
}

// A module once it is here; until then its part of the page stays as it is.
function moduleOf(name, fetched) {
  modules[name] ??= fetched().then((module) => update(() => (modules[name] = module)));
  return "render" in modules[name] ? modules[name] : null;
}

for (const render of [renderFrame, renderPanel, announce]) onRender(render);
onShared(follow);

// Charts follow the width alone: a redrawing because words took another line would cut a drag short.
let resizing = 0;
let width = 0;
new ResizeObserver(([{ contentRect }]) => {
  if (contentRect.width === width) return;
  width = contentRect.width;
  clearTimeout(resizing);
  resizing = setTimeout(() => update(() => {}), RESIZED);
}).observe(document.getElementById("main"));
addEventListener("popstate", readAddress);
// The address holds the reader's network, which the skip link's own fragment would overwrite.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  panel.focus();
});
// The name leads to the first screen; the network in view stays as it is.
document.querySelector(".brand").addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  show("home");
  scrollTo(0, 0);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update(() => {}));

if (!(await readAddress())) follow(state);
try {
  const [{ schemes }, { activations }, { version }] = await Promise.all(["schemes", "activations", "livez"].map(read));
  update((current) => Object.assign(current, { catalogue: { ...current.catalogue, schemes, activations }, version }));
  const [{ layers }, { recipes }, { algorithms }] = await Promise.all(["layers", "recipes", "algorithms"].map(read));
  update(({ catalogue }) => Object.assign(catalogue, { layers, recipes, algorithms }));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  const { catalogue } = await import("./live/catalogue.js");
  update((current) => Object.assign(current.catalogue, catalogue()));
}
