/* The file of a new list, sent in pieces that survive a lost connection and a reloaded page (tus 1.0).
   Without this script the form sends the file itself. */
"use strict";
(() => {
  const root = document.getElementById("uploader");
  if (!root || !window.tus || !tus.isSupported) return;

  const form = root.querySelector("form");
  const file = form.elements.file;
  const parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  const { texts, text, size, wrongWith } = files; // static/files.js
  const known = `mc-${root.dataset.workspace}-`; // of the fingerprints of this workspace
  const WINDOW = 5000; // milliseconds over which the speed is measured
  const AGAIN = 10000; // milliseconds until a connection that is away is tried again

  let upload = null;
  let earlier = []; // unfinished uploads of the chosen file
  let samples = [];
  let timer = 0;

  // --- What is shown -------------------------------------------------------------------------------------------------

  const show = (name, shown = true) => { parts[name].hidden = !shown; };
  const say = (name, text) => { parts[name].textContent = text; };

  const duration = (seconds) => {
    if (seconds < 1) return texts.moment;
    if (seconds < 90) return text("seconds", { n: Math.round(seconds) });
    if (seconds < 5400) return text("minutes", { n: Math.round(seconds / 60) });
    return text("hours", { n: (seconds / 3600).toFixed(1) });
  };

  const refuse = (text) => {
    say("error", text);
    show("error", Boolean(text));
  };

  const state = (name, text) => {
    root.dataset.state = name; // idle, sending, paused, waiting, failed, done
    say("state", text);
    show("sending", name !== "idle");
    form.hidden = name !== "idle";
    show("pause", name === "sending" || name === "waiting");
    show("resume", name === "paused" || name === "failed");
    show("end", name !== "done");
    if (name !== "sending") {
      samples = [];
      say("speed", "–");
      say("left", "–");
    }
  };

  const progress = (sent, total) => {
    const now = performance.now();
    samples.push([now, sent]);
    while (samples.length > 2 && now - samples[0][0] > WINDOW) samples.shift();
    const [began, before] = samples[0];
    const speed = now - began > 200 ? ((sent - before) * 1000) / (now - began) : 0;
    const percent = Math.floor((sent * 100) / total);
    parts.bar.value = percent;
    say("percent", `${percent} %`);
    say("bytes", text("of", { sent: size(sent), total: size(total) }));
    if (speed > 0) {
      say("speed", `${size(speed)}/s`);
      say("left", duration((total - sent) / speed));
    }
  };

  // --- Sending ---------------------------------------------------------------------------------------------------------

  const statusOf = (error) => (error.originalResponse ? error.originalResponse.getStatus() : 0);

  const saidBy = (error) => {
    try {
      return JSON.parse(error.originalResponse.getBody()).error;
    } catch {
      return {}; // not from us: a proxy, or nobody
    }
  };

  const messageOf = (error) =>
    saidBy(error).message
      || { 403: texts.forbidden, 413: text("too_large", { limit: root.dataset.limitShown }) }[statusOf(error)]
      || text("failed", { reason: statusOf(error) || error.message });

  const isAway = (error) => statusOf(error) === 0 || (statusOf(error) >= 500 && statusOf(error) !== 507);
  const mayPassLater = (error) => isAway(error) || [423, 429].includes(statusOf(error)) || saidBy(error).code === "wrong_offset";

  const go = () => {
    clearTimeout(timer);
    refuse("");
    state("sending", texts.sending);
    upload.start();
  };

  const failed = (error) => {
    if (isAway(error)) {
      state("waiting", texts.waiting);
      timer = setTimeout(go, AGAIN);
      return;
    }
    refuse(messageOf(error));
    if (mayPassLater(error)) {
      state("failed", texts.stopped);
      return;
    }
    forget();
    state("idle", "");
  };

  const forget = () => {
    if (upload && upload.url) {
      for (const found of earlier.filter((one) => one.uploadUrl === upload.url)) localStorage.removeItem(found.urlStorageKey);
    }
    upload = null;
    earlier = [];
    show("again", false);
    show("send");
  };

  const headers = () => ({ "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, "X-Workspace": root.dataset.workspace });

  const prepared = (chosen) => new tus.Upload(chosen, {
    endpoint: root.dataset.endpoint,
    headers: headers(),
    retryDelays: [0, 1000, 2000, 4000, 8000],
    removeFingerprintOnSuccess: true,
    fingerprint: (one) => Promise.resolve(`${known}${one.name}-${one.size}-${one.lastModified}`),
    metadata: {
      filename: chosen.name,
      name: form.elements.name.value,
      country: form.elements.country.value,
      column: form.elements.column.value,
    },
    onShouldRetry: (error) => navigator.onLine && mayPassLater(error),
    onProgress: progress,
    onError: failed,
    onSuccess: () => {
      state("done", texts.whole);
      parts.bar.value = 100;
      say("percent", "100 %");
      const number = /\/lists\/(\d+)\//.exec(upload.url)[1];
      window.location.assign(root.dataset.list.replace("/0/", `/${number}/`));
    },
  });

  const begin = (previous) => {
    upload = prepared(file.files[0]);
    if (previous) upload.resumeFromPreviousUpload(previous);
    say("filename", file.files[0].name);
    progress(0, file.files[0].size);
    go();
  };

  // --- Choosing --------------------------------------------------------------------------------------------------------

  const choose = async () => {
    const chosen = file.files[0];
    forget();
    refuse(chosen ? wrongWith(chosen, root.dataset) : "");
    parts.drop.classList.toggle("is-chosen", Boolean(chosen));
    if (!chosen || wrongWith(chosen, root.dataset)) return;
    if (!form.elements.name.value) form.elements.name.value = chosen.name.replace(/\.[^.]*$/, "").slice(0, 120);
    earlier = (await prepared(chosen).findPreviousUploads()).sort((a, b) => Date.parse(b.creationTime) - Date.parse(a.creationTime));
    if (earlier.length && file.files[0] === chosen) {
      const at = new Date(earlier[0].creationTime).toLocaleString(document.documentElement.lang);
      say("again-text", text("interrupted", { list: earlier[0].metadata.name, at }));
      show("again");
      show("earlier", false);
      show("send", false);
    }
  };

  file.addEventListener("change", choose);

  form.addEventListener("submit", (event) => {
    const chosen = file.files[0];
    if (!chosen || form.elements.numbers.value.trim()) return; // the form brings what was pasted, or says what is missing
    event.preventDefault();
    const wrong = wrongWith(chosen, root.dataset);
    if (wrong) refuse(wrong);
    else begin(null);
  });

  parts["go-on"].addEventListener("click", () => begin(earlier[0]));

  parts["start-over"].addEventListener("click", () => {
    for (const found of earlier) {
      localStorage.removeItem(found.urlStorageKey);
      tus.Upload.terminate(found.uploadUrl, { headers: headers(), retryDelays: null }).catch(() => {}); // else it expires
    }
    earlier = [];
    show("again", false);
    show("send");
    if (form.reportValidity()) begin(null);
  });

  for (const kind of ["dragenter", "dragover"]) {
    parts.drop.addEventListener(kind, (event) => {
      event.preventDefault();
      parts.drop.classList.add("is-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) parts.drop.addEventListener(kind, () => parts.drop.classList.remove("is-over"));
  parts.drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    choose();
  });

  // --- Meanwhile -------------------------------------------------------------------------------------------------------

  parts.pause.addEventListener("click", async () => {
    clearTimeout(timer);
    await upload.abort();
    state("paused", texts.paused);
  });

  parts.resume.addEventListener("click", go);

  parts.end.addEventListener("click", async () => {
    clearTimeout(timer);
    try {
      await upload.abort(true);
    } catch {
      // It ends by itself when nobody goes on with it.
    }
    forget();
    state("idle", "");
    form.reset();
    parts.drop.classList.remove("is-chosen");
  });

  window.addEventListener("online", () => {
    if (root.dataset.state === "waiting") go();
  });

  window.addEventListener("beforeunload", (event) => {
    if (["sending", "waiting"].includes(root.dataset.state)) event.preventDefault();
  });

  state("idle", "");
  parts.drop.classList.add("is-live");
  tus.defaultOptions.urlStorage.findAllUploads().then((found) => {
    const names = found.filter((one) => one.urlStorageKey.startsWith(`tus::${known}`)).map((one) => `“${one.metadata.filename}”`);
    if (names.length) {
      say("earlier", text("unfinished", { files: [...new Set(names)].join(", ") }));
      show("earlier");
    }
  });
})();
