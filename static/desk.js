// The keys of the moderators' desk, and the claim of an open page: released when somebody leaves it.
(() => {
  "use strict";

  const rows = () => [...document.querySelectorAll("#result_list tbody tr")];
  let at = -1;

  function choose(step) {
    const all = rows();
    if (!all.length) return;
    all[at]?.classList.remove("desk-chosen");
    at = Math.min(Math.max(at + step, 0), all.length - 1);
    all[at].classList.add("desk-chosen");
    all[at].querySelector("th a")?.focus();
  }

  function follow(key) {
    const link = document.querySelector(`a[data-key="${key}"]`);
    if (link) link.click();
  }

  const keys = {
    j: () => choose(1),
    k: () => choose(-1),
    o: () => rows()[at]?.querySelector("th a")?.click(),
    a: () => follow("a"),
    r: () => follow("r"),
    u: () => follow("u"),
    "?": () => document.getElementById("keys")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, [contenteditable], dialog[open]");
    if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // From a page of a row to another page of it, the row stays in one's hands.
  let keeps = false;
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keeps]")) keeps = true;
  });
  document.addEventListener("submit", () => { keeps = true; });
  window.addEventListener("pageshow", () => { keeps = false; });
  window.addEventListener("pagehide", () => {
    const claim = document.getElementById("claim");
    if (keeps || !claim || !("mine" in claim.dataset)) return;
    const form = new FormData();
    form.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    navigator.sendBeacon(claim.dataset.release, form);
  });

  // A canned reason goes into the field, to be edited there.
  const canned = document.getElementById("id_canned");
  canned?.addEventListener("change", () => {
    const reason = document.getElementById("id_reason");
    if (!canned.value) return;
    reason.value = [reason.value.trim(), canned.selectedOptions[0].textContent].filter(Boolean).join("\n");
    canned.value = "";
    reason.focus();
  });
})();
