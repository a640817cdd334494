// Draws every <canvas data-chart="ID"> from the JSON in the element with that id:
// {type: "line" | "bar" | "doughnut", labels: [], series: [{label, data, colour, dashed, fill}], time, stacked, legend}.
// Colours are names of CSS variables, so that charts follow the theme; labels are ISO instants when `time` is true.
(() => {
  "use strict";

  const drawn = new WeakMap(); // canvas → {chart, json}
  const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function datasets(given) {
    return given.series.map((series) => {
      const names = [].concat(series.colour);
      const colours = names.map(colourOf);
      const one = names.length === 1 && given.type !== "doughnut" ? colours[0] : colours;
      return {
        label: series.label,
        data: series.data,
        borderColor: given.type === "doughnut" ? colourOf("--card") : one,
        backgroundColor: given.type === "line" ? `color-mix(in srgb, ${one} 14%, transparent)` : one,
        fill: Boolean(series.fill),
        borderDash: series.dashed ? [6, 4] : [],
        borderWidth: 2,
        pointRadius: 0,
        pointHitRadius: 12,
        tension: 0,
        maxBarThickness: 28,
      };
    });
  }

  function labels(given, zone) {
    if (!given.time) return given.labels;
    const moments = given.labels.map((label) => new Date(label));
    const oneDay = moments.length < 2 || moments.at(-1) - moments[0] < 24 * 3600 * 1000;
    const day = oneDay ? {} : { day: "numeric", month: "short" };
    const seconds = moments.length > 1 && moments[1] - moments[0] < 60 * 1000 ? { second: "2-digit" } : {};
    const words = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
      hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...day, ...seconds, ...(zone ? { timeZone: zone } : {}),
    });
    return moments.map((moment) => words.format(moment));
  }

  function scales(given) {
    if (given.type === "doughnut") return {};
    const muted = colourOf("--muted");
    const number = new Intl.NumberFormat(document.documentElement.lang || "en", { notation: "compact" });
    return {
      x: {
        stacked: Boolean(given.stacked), grid: { display: false }, border: { color: colourOf("--line") },
        ticks: { color: muted, maxTicksLimit: 8, maxRotation: 0, autoSkip: true },
      },
      y: {
        stacked: Boolean(given.stacked), beginAtZero: true, border: { display: false }, grid: { color: colourOf("--line") },
        ticks: { color: muted, maxTicksLimit: 6, precision: 0, callback: (value) => number.format(value) },
      },
    };
  }

  function options(given) {
    const legend = {
      display: given.legend !== false && (given.series.length > 1 || given.type === "doughnut"),
      position: given.type === "doughnut" ? "right" : "bottom",
      labels: { color: colourOf("--ink"), boxWidth: 10, boxHeight: 10, usePointStyle: given.type !== "line" },
    };
    return {
      animation: false, responsive: true, maintainAspectRatio: false,
      ...(given.type === "doughnut" ? { cutout: "68%" } : {}),
      interaction: { mode: given.type === "doughnut" ? "nearest" : "index", intersect: given.type === "doughnut" },
      plugins: { legend },
      scales: scales(given),
    };
  }

  function draw(canvas, anew) {
    const source = document.getElementById(canvas.dataset.chart);
    if (!source) return;
    const known = drawn.get(canvas);
    if (known && known.json === source.textContent && !anew) return;
    const given = JSON.parse(source.textContent);
    const data = { labels: labels(given, canvas.dataset.zone), datasets: datasets(given) };
    if (known) {
      known.json = source.textContent;
      Object.assign(known.chart, { data, options: options(given) });
      known.chart.update("none");
    } else {
      const chart = new Chart(canvas, { type: given.type, data, options: options(given) });
      drawn.set(canvas, { chart, json: source.textContent });
    }
  }

  function drawAll(anew = false) {
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) draw(canvas, anew);
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  drawAll();
  document.addEventListener("htmx:afterSettle", () => drawAll());
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    const known = event.target.matches?.("canvas[data-chart]") && drawn.get(event.target);
    if (known && !event.target.hasAttribute("hx-preserve")) known.chart.destroy();
  });
  new MutationObserver(() => drawAll(true)).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
})();
