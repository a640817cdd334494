// What the steps of a campaign do beyond their forms: characters are replaced and placeholders put in without a trip to
// the server, and UTC stands beside each time. Without this script the forms do the same.
(() => {
  "use strict";

  const text = document.querySelector("#step textarea[name=text]");
  const tell = () => text.dispatchEvent(new Event("input", { bubbles: true }));

  // Outside of the names of columns, which are what the list calls them; as campaigns.lookalikes does it.
  const replaced = (said, one, instead) =>
    said.replace(/\{\{|\}\}|\{([^{}|]*)([^{}]*)\}|[^{}]+|[{}]/gu, (whole, name, rest) =>
      name === undefined ? whole.replaceAll(one, instead) : `{${name}${rest.replaceAll(one, instead)}}`);

  function replace(buttons) {
    for (const button of buttons) text.value = replaced(text.value, button.dataset.replace, button.dataset.with);
    tell();
    text.focus();
  }

  function insert(placeholder) {
    text.setRangeText(placeholder, text.selectionStart, text.selectionEnd, "end");
    tell();
    text.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !text) return;
    if (button.dataset.insert) {
      insert(button.dataset.insert);
    } else if (button.dataset.replace) {
      event.preventDefault();
      replace([button]);
    } else if ("replaceEvery" in button.dataset) {
      event.preventDefault();
      replace(document.querySelectorAll("[data-replace]"));
    }
  });

  window.addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector("form[data-once]")) location.reload(); // the back button: it may be sent
  });

  // A search keeps what was chosen before its answer came, whether the answer shows it or not.
  let chosen = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "lists") chosen = event.detail.target.querySelector("input:checked");
  });
  document.addEventListener("htmx:load", (event) => {
    const lists = event.detail.elt;
    if (lists.id !== "lists" || !chosen) return;
    const again = lists.querySelector(`input[value="${chosen.value}"]:not(#kept)`);
    if (again) {
      again.checked = true;
      return;
    }
    lists.querySelector("#kept")?.remove();
    chosen.className = "visually-hidden";
    chosen.id = "kept";
    chosen.tabIndex = -1;
    lists.prepend(chosen);
    chosen.checked = true;
  });

  // --- UTC beside the time of the workspace -------------------------------------------------------------------------

  const zone = document.querySelector("form[data-zone]")?.dataset.zone;

  // How far the zone's clocks are ahead at an instant, in milliseconds.
  function offset(instant) {
    const shown = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    }).formatToParts(new Date(instant));
    const part = (type) => Number(shown.find((one) => one.type === type).value);
    return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) - instant;
  }

  function utcOf(local) {
    const wall = Date.parse(`${local}Z`);
    const guess = wall - offset(wall);
    return new Date(wall - offset(guess));
  }

  for (const place of zone ? document.querySelectorAll(".moment") : []) {
    const input = place.querySelector("input");
    const shown = document.createElement("p");
    shown.className = "utc";
    place.append(shown);
    const show = () => {
      shown.textContent = input.value ? `${utcOf(input.value).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
    };
    input.addEventListener("input", show);
    show();
  }
})();
