// Before the first paint: as the person chose, else as their system is.
(() => {
  const known = localStorage.getItem("haulage-theme");
  const dark = known ? known === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
})();
document.documentElement.classList.add("scripted"); // what is said for browsers without scripts is hidden then
