// The panels: each is declared in the page's data with its filters, table and chart, and found by what it declares. No
// panel is known here by name.

import { lastMonths, noChart, pickRows, place } from "./charts.js";
import { numberText, pluralText, sumDecimals } from "./decimal.js";
import { detailButton, setUpDetail } from "./details.js";
import {
  bindFilters,
  chosen,
  chosenLabel,
  chosenPeriod,
  filterNamed,
  inFileName,
  inWords,
  keeper,
  ofPeriod,
} from "./filters.js";
import { showState } from "./page.js";
import { find, page } from "./state.js";
import { DataTable, labelText } from "./table.js";

const CHART_ROWS = 12;
const tables = {};

export function setUpPanels() {
  for (const panel of page.panels) {
    if (panel.table)
      tables[panel.name] = new DataTable(find(`${panel.name}-table`), page.tables[panel.name], tableOptions(panel));
    if (panel.detail) setUpDetail(panel);
  }
}

function filtersOf(panel) {
  return panel.filters.map(filterNamed);
}

function tableOptions(panel) {
  const { sort, heading } = panel.table;
  return {
    name: panel.name,
    sort,
    heading,
    summary: (rows, table) => summaryOf(panel.table, rows, table),
    filters: () => [panel.follows_period ? chosenPeriod() : "", ...inFileName(filtersOf(panel))],
    writers: panel.detail ? { [panel.detail.column]: (...cell) => detailButton(panel, ...cell) } : {},
  };
}

function summaryOf({ count, total }, rows, table) {
  const counted = count ? countListed(count, rows, table) : countOf(rows, table);
  if (!total) return counted;
  const [words, column] = total;
  const sum = sumDecimals(
    rows.map((row) => table.cell(row, column)),
    2,
  );
  return `${counted}, ${inCurrency(words)} ${numberText(sum)}`;
}

export function inCurrency(words) {
  return words.replace("{currency}", page.meta.currency.toUpperCase());
}

function countOf(rows, table) {
  const all = table.data.rows.length;
  const { thing, things } = table.data;
  return rows.length === all
    ? pluralText(all, thing, things)
    : `${numberText(String(rows.length))} of ${pluralText(all, thing, things)}`;
}

function countListed({ one, many, values, ending }, rows, table) {
  if (!values || table.hiddenKeys.has(values)) return pluralText(rows.length, one, many) + ending;
  const different = new Set(rows.map((row) => table.cell(row, values))).size;
  return `${pluralText(different, "value", "values")}, ${pluralText(rows.length, "row", "rows")}${ending}`;
}

/** Draws the panels that `wanted` says, all of them without one. */
export function drawPanels(wanted = () => true) {
  bindFilters();
  for (const panel of page.panels.filter(wanted)) {
    if (panel.table) drawTable(panel);
    if (panel.chart) drawPanelChart(panel);
  }
  showState();
}

function drawTable(panel) {
  const table = tables[panel.name];
  const filters = filtersOf(panel);
  table.use(page.tables[ofPeriod(panel.name, panel.follows_period)]);
  const hidden = filters.filter((filter) => filter.splits && !chosen(filter)).map((filter) => filter.splits);
  table.show(keeper(filters, table), hidden);
}

/** The name of the figure that a chart shows under what is chosen, or would under `instead`. */
export function figureName(chart, instead = {}) {
  const value = (one) =>
    one.fixed ?? ((instead[one.chosen] ?? chosen(filterNamed(one.chosen))) || filterNamed(one.chosen).whole);
  return ofPeriod([chart.drawing, ...chart.pick.map(value)].join(":"), chart.follows_period);
}

function drawPanelChart(panel) {
  const { chart } = panel;
  const element = find(chart.place);
  const figure = page.charts[figureName(chart)];
  tellChart(panel, element, figure);
  if (chart.ranked) rankedChart(panel, element, figure);
  else place(element, () => (figure ? cutChart(panel, figure) : noChart(chart.nobody)));
}

/** What stands around a chart: its title, its note, and what it is to those who do not see it. */
function tellChart({ chart, filters }, element, figure) {
  const frame = element.closest("figure");
  const [title, note] = [frame.querySelector("h3"), frame.querySelector(".note")];
  if (chart.entitled) title.textContent = labelText(inWords(filters.map(filterNamed)).join(" ")) || chart.untitled;
  if (chart.subtitled) note.textContent = figure?.subtitle ? figure.subtitle + chart.ending : "";
  if (chart.sentence_of) {
    element.setAttribute(
      "aria-label",
      chart.sentence_of.replace("{}", () => chosenLabel(filterNamed(filters[0]))),
    );
  }
}

/** A bar for each of the first rows that match: those of the table, or all where there is none. */
function rankedChart({ name, chart }, element, figure) {
  const table = tables[name];
  const all = Array.from({ length: figure.listed }, (_, index) => index);
  const matching = table ? all.filter((index) => table.keep(table.data.rows[index])) : all;
  // The first rows are those that the figure draws: the others have nothing to draw.
  const drawn = matching.filter((index) => index < figure.rows);
  const indices = drawn.slice(0, CHART_ROWS);
  if (table) {
    const words = `The first ${indices.length} of ${numberText(String(drawn.length))} to be drawn`;
    element.closest("figure").querySelector(".note").textContent = drawn.length > indices.length ? words : "";
  }
  place(element, () =>
    indices.length ? pickRows(figure, indices) : noChart(matching.length ? nothingWords(chart) : chart.nobody),
  );
}

function nothingWords(chart) {
  return chosenPeriod() && chart.follows_period ? chart.nothing_in_period : chart.nothing;
}

/** The figure, or as much of it as a choice of the latest leaves. */
function cutChart(panel, figure) {
  const latest = filtersOf(panel).find((filter) => filter.kind === "latest" && chosen(filter));
  return latest ? lastMonths(figure, Number(chosen(latest))) : figure;
}
