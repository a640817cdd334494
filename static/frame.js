// What every page does: an answer that is an error is shown, title and icon say what goes on.
(() => {
  "use strict";

  // --- What went wrong -----------------------------------------------------------------------------------------------

  const messages = document.getElementById("messages");

  // An error of ours says where it wants to be shown; what a proxy in between says is not for this page.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status >= 400 && xhr.getResponseHeader("HX-Retarget")) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (!messages || event.detail.elt.id === "live" || messages.querySelector(".offline")) return;
    const alert = document.createElement("div");
    alert.className = "alert alert-warning offline";
    alert.textContent = messages.dataset.offline;
    messages.append(alert);
  });
  document.addEventListener("htmx:afterOnLoad", () => messages?.querySelector(".offline")?.remove());

  // --- Menus ---------------------------------------------------------------------------------------------------------

  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // --- A table that is wider than the page is scrolled with the keyboard, too ------------------------------------------

  const reach = () => {
    for (const region of document.querySelectorAll(".table-responsive")) {
      const scrolls = region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1;
      if (scrolls) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    }
  };
  reach();
  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);
  document.addEventListener("htmx:afterSettle", reach);

  // --- Title and icon ------------------------------------------------------------------------------------------------

  const icon = document.querySelector("link[rel=icon]");
  const title = document.title;

  const show = () => {
    const state = document.querySelector("#live [data-waiting]");
    const waiting = Number(state?.dataset.waiting || 0);
    const sending = Number(state?.dataset.sending || 0);
    document.title = [waiting ? `(${waiting})` : "", sending ? "▸" : "", title].filter(Boolean).join(" ");
    const wanted = waiting ? icon.dataset.waiting : sending ? icon.dataset.sending : icon.dataset.calm;
    if (wanted && icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  };
  show();
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "live") show();
  });
})();
