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

// On a narrow screen the contents and the sections are folded, so that one sees what there is; a link opens what it leads to.
const sections = [...document.querySelectorAll("details.section")];
if (innerWidth < 1100) document.querySelector("nav details").open = false;
if (innerWidth < 700) for (const section of sections) section.open = false;
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let place = target; place; place = place.parentElement) if (place.localName === "details") place.open = true;
  const own = target.querySelector(":scope > details.section");
  if (own) own.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link && link.hash === location.hash) openTarget();
});
const unfold = document.getElementById("unfold");
function nameUnfold() {
  unfold.textContent = sections.every((section) => section.open) ? "Fold every section" : "Open every section";
}
for (const section of sections) section.addEventListener("toggle", nameUnfold);
unfold.addEventListener("click", () => {
  const open = !sections.every((section) => section.open);
  for (const section of sections) section.open = open;
});
unfold.hidden = false;
nameUnfold();
addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });

// What is wider than its place says so, until its end is reached.
for (const place of document.querySelectorAll(".scroll")) {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "wider than the screen: scroll sideways →";
  place.after(hint);
  const look = () => {
    place.classList.toggle("overflows", place.scrollWidth > place.clientWidth + 1);
    place.classList.toggle("ended", place.scrollLeft + place.clientWidth >= place.scrollWidth - 1);
  };
  place.addEventListener("scroll", look, {passive: true});
  new ResizeObserver(look).observe(place);
}

// Interactive figures: drawn from the JSON beside them, laid out for the width that they have.
const narrowBelow = 620;
for (const place of document.querySelectorAll("[data-chart]")) {
  const chart = JSON.parse(document.getElementById("chart-" + place.dataset.chart).textContent);
  const isNarrow = () => place.clientWidth < narrowBelow;
  const layout = () => ({...chart.layout, ...(isNarrow() ? chart.narrow : chart.wide)});
  let narrow = null;
  place.style.minHeight = layout().height + "px";
  // A figure in a folded section has no width; it is drawn when it gets one.
  const draw = () => Plotly.newPlot(place, chart.data, layout(), {displayModeBar: false, responsive: true, displaylogo: false})
    .then(() => chart.frames && Plotly.addFrames(place, chart.frames))
    .then(() => { place.dataset.ready = "true"; });
  const fit = () => {
    if (place.clientWidth === 0) return;
    const first = narrow === null;
    if (!first && isNarrow() === narrow) return;
    narrow = isNarrow();
    place.style.minHeight = layout().height + "px";
    if (first) draw(); else Plotly.relayout(place, narrow ? chart.narrow : chart.wide);
  };
  new ResizeObserver(fit).observe(place);

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
openTarget();
