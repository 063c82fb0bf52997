// The charts: drawn when they come into sight, in the reader's theme, light on paper. Labels and hovers
// were written and escaped by the library; the page only picks rows.

import { filtersInForce } from "./filters.js";
import { page } from "./state.js";

const PRINT_WIDTH = 672;
const PRINT_WIDTH_OF_TWO = 317; // side by side
const PRINT_HEIGHT = 0.88; // so that a chart and the first rows of its table share a page
const dark = matchMedia("(prefers-color-scheme: dark)");
export const places = new Map();
export let printing = false;

/** Says what to draw in `element`: `compose` gives the figure at the time it is drawn. */
export function place(element, compose) {
  const known = places.has(element);
  places.set(element, { compose, drawn: known && places.get(element).drawn });
  // The room of a chart is kept before it is drawn: nothing below it moves under whoever reads.
  element.style.minHeight = `${compose().layout.height}px`;
  if (known && places.get(element).drawn) drawChart(element);
  else watcher.observe(element);
}

export const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) drawChart(entry.target);
  },
  { rootMargin: "300px" },
);

function drawChart(element) {
  const spot = places.get(element);
  if (!spot || typeof Plotly === "undefined") return;
  watcher.unobserve(element);
  spot.drawn = true;
  const figure = structuredClone(spot.compose());
  const light = printing || !dark.matches;
  const layout = { ...figure.layout, template: page.templates[light ? "light" : "dark"], autosize: !printing };
  if (printing) {
    layout.width = element.closest(".pair") ? PRINT_WIDTH_OF_TWO : PRINT_WIDTH;
    layout.height *= PRINT_HEIGHT;
    element.style.minHeight = "0";
  } else element.style.minHeight = `${layout.height}px`;
  Plotly.react(element, figure.data, layout, { displayModeBar: false, responsive: true, showTips: false });
}

function redrawCharts(all) {
  for (const [element, spot] of places) if (spot.drawn || all) drawChart(element);
}

/** The rows `indices` of a ranked chart, in that order, closed up from the top. */
export function pickRows(figure, indices) {
  const count = figure.rows;
  const pick = (value, key) => {
    if (Array.isArray(value)) {
      if (value.length !== count) return value;
      return key === "y" ? indices.map((_, position) => position + value[0]) : indices.map((index) => value[index]);
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, pick(part, name)]));
  };
  const shown = indices.length;
  const yaxis = { ...figure.layout.yaxis, range: [shown - 1 + figure.bottom, figure.top] };
  const height = figure.frame_pixels + figure.row_pixels * Math.max(shown, 2);
  return { data: figure.data.map((trace) => pick(trace)), layout: { ...figure.layout, yaxis, height } };
}

/** The last `count` months of the chart, which goes from the first month to the last. */
export function lastMonths(figure, count) {
  const cut = (values) => (Array.isArray(values) ? values.slice(-count) : values);
  const data = figure.data.map((trace) => ({
    ...trace,
    x: cut(trace.x),
    y: cut(trace.y),
    customdata: cut(trace.customdata),
  }));
  const layout = structuredClone(figure.layout);
  for (const [name, axis] of Object.entries(layout))
    if (name.startsWith("xaxis")) axis.dtick = count > 12 ? "M3" : "M1";
  for (const trace of data) if (Array.isArray(trace.y)) sayPanel(layout, trace);
  return { data, layout };
}

/** A panel of which the cut left nothing says so, as the library's charts do; one with small figures has them whole. */
function sayPanel(layout, trace) {
  const ending = (trace.yaxis ?? "y").slice(1);
  const [x, y] = [layout[`xaxis${ending}`], layout[`yaxis${ending}`]];
  const known = trace.y.filter((value) => value !== null);
  const largest = Math.max(0, ...known.map(Math.abs));
  if (y.tickformat === "~s" && largest < 1000) y.tickformat = ",~f";
  if (y.visible === false || (trace.type === "bar" ? largest > 0 : known.length)) return;
  x.visible = y.visible = false;
  trace.hoverinfo = "skip";
  layout.annotations = [
    ...(layout.annotations ?? []),
    {
      text: trace.meta,
      x: 0.5,
      y: (y.domain[0] + y.domain[1]) / 2,
      xref: "paper",
      yref: "paper",
      showarrow: false,
      opacity: 0.8,
    },
  ];
}

/** What stands in a chart's place where there is nothing to draw. */
export function noChart(words) {
  const axis = { visible: false };
  const annotations = [{ text: words, x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false }];
  return { data: [], layout: { height: 120, xaxis: axis, yaxis: axis, annotations, margin: { t: 8, b: 8 } } };
}

/** `text` inside a CSS string, whatever people typed. */
function cssText(text) {
  return text.replace(/[^A-Za-z0-9 .,:;+-]/gu, (letter) => `\\${letter.codePointAt(0).toString(16).padStart(6, "0")}`);
}

export function watchTheme() {
  dark.addEventListener("change", () => redrawCharts(false));
  const sheet = document.querySelector("style").sheet;
  addEventListener("beforeprint", () => {
    printing = true;
    sheet.insertRule(
      `@page { @top-left { content: "Filters: ${cssText(filtersInForce())}"; font: 8px Arial, sans-serif; color: #555 } }`,
    );
    redrawCharts(true);
  });
  addEventListener("afterprint", () => {
    printing = false;
    sheet.deleteRule(0);
    redrawCharts(false);
  });
}
