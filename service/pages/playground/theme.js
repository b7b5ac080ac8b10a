// What the first paint must know, for which a module would come too late: the theme that was chosen, and whether the
// address leads elsewhere than to the first screen.
let remembered = null;
try {
  remembered = localStorage.getItem("initserve-theme");
} catch {
  // storage is forbidden: as the system has it
}
if (remembered) document.documentElement.dataset.theme = remembered;
if (location.hash.length > 1) document.documentElement.dataset.linked = "";
