// What is wrong with a file is said when it is chosen, in any form that brings one ([data-wrong]); uploads.js asks, too.
"use strict";
const files = (() => {
  const texts = JSON.parse(document.getElementById("upload-texts").textContent);
  const text = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const ENDINGS = /\.(txt|csv|tsv|text)$/i;

  const size = (bytes) => {
    const units = [texts.bytes, "KB", "MB", "GB"];
    let unit = 0;
    for (; bytes >= 1024 && unit < 3; unit += 1) bytes /= 1024;
    return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
  };

  const wrongWith = (chosen, { limit, limitShown }) => {
    if (!ENDINGS.test(chosen.name)) return text("wrong_kind", { file: chosen.name });
    if (chosen.size === 0) return texts.empty;
    if (chosen.size > Number(limit)) return text("over_limit", { file: chosen.name, size: size(chosen.size), limit: limitShown });
    return "";
  };

  const look = (form) => {
    const chosen = form.elements.file.files[0];
    const wrong = chosen ? wrongWith(chosen, form.dataset) : "";
    const place = form.querySelector("[data-wrong]");
    place.textContent = wrong;
    place.hidden = !wrong;
    return wrong;
  };
  // Of the document: the form of a list comes with the answer that its file cannot be used. Before once.js holds it.
  const formOf = (event) => event.target.closest("form:has([data-wrong])");
  document.addEventListener("change", (event) => { if (event.target.type === "file" && formOf(event)) look(formOf(event)); });
  document.addEventListener("submit", (event) => { if (formOf(event) && look(formOf(event))) event.preventDefault(); }, true);

  return { texts, text, size, wrongWith };
})();
