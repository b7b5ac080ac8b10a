// Puts the remembered theme on the page before its first paint; a module would come too late.
const remembered = localStorage.getItem("initserve-theme");
if (remembered) document.documentElement.dataset.theme = remembered;
