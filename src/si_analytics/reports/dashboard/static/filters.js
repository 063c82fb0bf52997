// The filters: what readers chose, and which rows of a table that leaves. Each is declared, with its kind, in the
// page's data; its choice lives in the address.

import { drawPanels, figureName } from "./panels.js";
import { find, page, setState, stateOf } from "./state.js";
import { make } from "./table.js";

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function bindInput(element, key, redraw) {
  element.value = stateOf(key);
  if (element.value !== stateOf(key)) element.value = "";
  if (element.dataset.bound) return;
  element.dataset.bound = "yes";
  element.addEventListener("input", () => redraw());
}

/** Whether a row has every word that was typed, in any of `keys`, accents and case aside. */
function matcher(table, typed, keys) {
  const words = folded(typed).split(/\s+/).filter(Boolean);
  if (!words.length) return () => true;
  return (row) => {
    const text = folded(keys.map((key) => table.cell(row, key) ?? "").join(" "));
    return words.every((word) => text.includes(word));
  };
}

export function filterNamed(name) {
  return page.filters.find((filter) => filter.name === name);
}

/** What is chosen: nothing where the address holds what cannot be. */
export function chosen(filter) {
  return find(filter.element).value;
}

/** What the choice is called. */
export function chosenLabel(filter) {
  return find(filter.element).selectedOptions[0]?.textContent ?? "";
}

/** The choice within a sentence: a name that was made for the choice without its capital, what was typed as it is. */
function chosenWords(filter) {
  if (filter.kind !== "choice" || chosenLabel(filter) === chosen(filter)) return chosen(filter);
  return chosenLabel(filter).toLowerCase();
}

/** Puts every filter as the address has it. */
export function bindFilters() {
  for (const filter of page.filters) {
    const element = find(filter.element);
    if (filter.of) offer(filter, element);
    bindInput(element, filter.name, () => choose(filter, element.value));
    if (filter.kind === "choice" && !element.value && element.options.length) element.selectedIndex = 0;
  }
}

/** The options that go with the choice this one hangs on, where there is a chart for both. */
function offer(filter, element) {
  const offered = filter.offers[chosen(filterNamed(filter.of))] ?? [];
  const charts = page.panels
    .map((panel) => panel.chart)
    .filter((chart) => chart?.pick.some((one) => one.chosen === filter.name));
  const there = ([value]) => charts.every((chart) => page.charts[figureName(chart, { [filter.name]: value })]);
  const options = [["", filter.anything], ...offered.filter(there)];
  element.replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
  element.disabled = element.options.length < 2;
}

function choose(filter, value) {
  setState({ [filter.name]: value, ...Object.fromEntries((filter.clears ?? []).map((name) => [name, ""])) });
  drawPanels((panel) => panel.filters.includes(filter.name));
}

/** Which rows of `table` a filter leaves. */
const KEEPERS = {
  choice: (filter, table) => {
    const wanted = chosen(filter) || filter.whole;
    return (row) => !wanted || (table.cell(row, filter.column) ?? "(none)") === wanted;
  },
  search: (filter, table) => matcher(table, chosen(filter), filter.columns),
  latest: (filter, table) => {
    const shown = new Set(table.data.rows.slice(0, Number(chosen(filter)) || Infinity)); // the latest first
    return (row) => shown.has(row);
  },
};

export function keeper(filters, table) {
  const keeps = filters.map((filter) => KEEPERS[filter.kind](filter, table));
  return (row) => keeps.every((keep) => keep(row));
}

/** What is chosen in words, a filter that goes on where the one before it ended put to it. */
export function inWords(filters) {
  const parts = [];
  for (const filter of filters.filter(chosen)) {
    const words = filter.printed.replace("{}", () => chosenWords(filter));
    if (words.startsWith(" ") && parts.length) parts.push(parts.pop() + words);
    else parts.push(words);
  }
  return parts;
}

/** What is chosen in a file's name. */
export function inFileName(filters) {
  return filters.map((filter) => chosen(filter) && filter.filed.replace("{}", () => chosen(filter)));
}

// Period: one choice for the whole page, wherever it is made

export function chosenPeriod() {
  return page.headlines[stateOf("period")] ? stateOf("period") : "";
}

/** The period with its first and last day, as it is printed. */
function periodText() {
  const option = document.querySelector(`[data-period] option[value="${chosenPeriod()}"]`);
  return `${option.textContent.toLowerCase()}, ${option.dataset.days}`;
}

/** `name` of the period chosen, where there is one and `follows` it. */
export function ofPeriod(name, follows) {
  const period = chosenPeriod();
  return period && follows ? `${name}:${period}` : name;
}

export function filtersInForce() {
  const parts = chosenPeriod() ? [`period ${periodText()}`] : [];
  return [...parts, ...inWords(page.filters)].join("; ") || "none";
}
