// A double click does nothing twice: a form that was sent is not sent again, on the pages and on the desk.
(() => {
  "use strict";

  const buttonsOf = (form) => [...form.querySelectorAll("button:not([type=button]), input[type=submit]")];

  const hold = (form) => {
    form.dataset.sent = "yes";
    // Afterwards: the button that was pressed belongs to what is sent.
    setTimeout(() => { if (form.dataset.sent) for (const button of buttonsOf(form)) button.disabled = true; });
  };

  const free = (form) => {
    delete form.dataset.sent;
    for (const button of buttonsOf(form)) button.disabled = false;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    else hold(form);
  });
  // HTMX sends by itself, and says when it is done.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!(event.target instanceof HTMLFormElement) || event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    else hold(event.target);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target instanceof HTMLFormElement) free(event.target);
  });
  // Back from the next page: this one is shown as it was left.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) free(form);
  });
})();
