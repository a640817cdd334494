// Before the first paint: `data-theme` on <html> is the person's choice, "system" goes by the browser's.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const choose = () => {
    const wanted = root.dataset.theme || "system";
    root.dataset.bsTheme = wanted === "dark" || (wanted === "system" && dark.matches) ? "dark" : "light";
  };
  choose();
  dark.addEventListener("change", choose);
})();
