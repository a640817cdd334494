// What polls itself ([data-live]) asks less often while nobody looks, and at once when somebody looks again; what was
// unfolded stays unfolded when it is drawn anew.
(() => {
  "use strict";

  const HIDDEN = 30_000;
  const asked = new Map(); // id → when, in ms
  const unfolded = new Set();

  document.addEventListener("htmx:beforeRequest", (event) => {
    const element = event.detail.elt;
    if (!element.matches?.("[data-live]")) return;
    const now = Date.now();
    if (document.hidden && now - (asked.get(element.id) ?? 0) < HIDDEN) event.preventDefault();
    else asked.set(element.id, now);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("[data-live]")) htmx.trigger(element, "look");
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    unfolded.clear();
    for (const details of event.detail.target?.querySelectorAll("details[open][id]") ?? []) unfolded.add(details.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    unfolded.clear();
  });
})();
