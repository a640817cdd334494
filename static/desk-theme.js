// The person's choice of light or dark, for the pages of the admin, whose <html> is not ours: see theme.js.
(() => {
  "use strict";
  document.documentElement.dataset.theme = document.currentScript.dataset.theme || "system";
})();
