"use strict";
// Theme: as the system, light, dark. Every colour of the page follows color-scheme.
const themes = ["light dark", "light", "dark"];
const themeButton = document.getElementById("theme");
function setTheme(scheme) {
  document.documentElement.style.colorScheme = scheme;
  themeButton.textContent = "Theme: " + (scheme === "light dark" ? "as the system" : scheme);
  themeButton.dataset.scheme = scheme;
}
const remembered = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
setTheme(themes.includes(remembered) ? remembered : themes[0]);
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  setTheme(themes[(themes.indexOf(themeButton.dataset.scheme) + 1) % themes.length]);
  try { localStorage.setItem("theme", themeButton.dataset.scheme); } catch { /* a page from a file may have no storage */ }
});

// The contents are folded where they would push the paper off a narrow screen.
if (innerWidth < 1100) document.querySelector("nav details").open = false;

// Interactive figures: drawn from the JSON beside them, laid out for the width that they have.
const narrowBelow = 620;
for (const place of document.querySelectorAll("[data-chart]")) {
  const chart = JSON.parse(document.getElementById("chart-" + place.dataset.chart).textContent);
  const isNarrow = () => place.clientWidth < narrowBelow;
  const layout = () => ({...chart.layout, ...(isNarrow() ? chart.narrow : chart.wide)});
  let narrow = isNarrow();
  const fit = () => {
    if (isNarrow() === narrow) return;
    narrow = isNarrow();
    place.style.minHeight = layout().height + "px";
    Plotly.relayout(place, narrow ? chart.narrow : chart.wide);
  };
  place.style.minHeight = layout().height + "px";
  Plotly.newPlot(place, chart.data, layout(), {displayModeBar: false, responsive: true, displaylogo: false})
    .then(() => chart.frames && Plotly.addFrames(place, chart.frames))
    .then(() => { place.dataset.ready = "true"; new ResizeObserver(fit).observe(place); });

  const slider = document.querySelector(`[data-frames="${place.dataset.chart}"]`);
  if (!slider) continue;
  const stops = chart.frames.map((frame) => frame.name);
  const output = slider.parentElement.querySelector("output");
  slider.parentElement.hidden = false;
  const show = () => {
    output.textContent = stops[slider.value];
    slider.setAttribute("aria-valuetext", stops[slider.value]);
    return Plotly.animate(place, [stops[slider.value]], {
      mode: "immediate", frame: {duration: 0, redraw: false}, transition: {duration: 0},
    });
  };
  slider.addEventListener("input", show);
  const button = document.querySelector(`[data-play="${place.dataset.chart}"]`);
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; button.ariaPressed = "false"; };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    button.textContent = "Pause";
    button.ariaPressed = "true";
    timer = setInterval(() => { slider.stepUp(); show(); if (slider.value === slider.max) stop(); }, Math.max(80, 6000 / stops.length));
  });
}
