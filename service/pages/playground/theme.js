// Puts the remembered theme on the page before its first paint; a module would come too late.
let remembered = null;
try {
  remembered = localStorage.getItem("initserve-theme");
} catch {
  // storage is forbidden: as the system has it
}
if (remembered) document.documentElement.dataset.theme = remembered;
