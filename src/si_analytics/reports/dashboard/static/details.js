// A row opened from its table: a window with what is known of it, of all time.

import { place } from "./charts.js";
import { MISSING, numberText } from "./decimal.js";
import { inCurrency } from "./panels.js";
import { find, page, setState, stateOf } from "./state.js";
import { make, WRITERS } from "./table.js";

export function setUpDetail({ detail }) {
  const dialog = find(`${detail.element}-dialog`);
  find(`${detail.element}-close`).addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => setState({ [detail.name]: "" }));
}

export function detailButton(panel, name, row, table) {
  const button = make("button", { type: "button", className: "link", ariaHasPopup: "dialog" }, WRITERS.name(name));
  button.addEventListener("click", () => {
    setState({ [panel.detail.name]: table.cell(row, panel.detail.key) });
    openDetail(panel);
  });
  return button;
}

export function openDetails() {
  for (const panel of page.panels) if (panel.detail) openDetail(panel);
}

function openDetail({ name, detail }) {
  const dialog = find(`${detail.element}-dialog`);
  const data = page.tables[name]; // of all time, as the score is
  const at = new Map(data.columns.map((column, index) => [column.key, index]));
  const wanted = stateOf(detail.name);
  const position = wanted ? data.rows.findIndex((row) => row[at.get(detail.key)] === wanted) : -1;
  if (position < 0) {
    if (dialog.open) dialog.close();
    return;
  }
  const value = (key) => (key === "rows" ? String(data.rows.length) : (data.rows[position][at.get(key)] ?? null));
  find(`${detail.element}-name`).replaceChildren(WRITERS.name(value(detail.column)));
  find(`${detail.element}-line`).textContent = detail.line.map((words) => filled(words, value, "")).join("");
  find(`${detail.element}-score`).textContent = numberText(value(detail.score));
  if (!dialog.open) dialog.showModal();
  place(find(`${detail.element}-chart`), () => detailFigure(detail, value, position));
}

/** `words` with the cells of a row; `missing` where one of them is. */
function filled(words, value, missing) {
  let whole = true;
  const text = inCurrency(words).replace(/\{(\w+)\}/g, (_, key) => {
    const cell = value(key);
    whole &&= cell !== null && cell !== "";
    return /^-?[\d.]+$/.test(cell) ? numberText(cell) : cell;
  });
  return whole ? text : missing;
}

function partText({ words, one, unless_zero }, value) {
  if (unless_zero && value(unless_zero) === "0") return MISSING;
  const first = words.match(/\{(\w+)\}/)[1];
  return filled(one && value(first) === "1" ? one : words, value, MISSING);
}

function detailFigure(detail, value, position) {
  const { data, layout, standings } = structuredClone(page.charts[detail.drawing]);
  data[0].x = standings[position];
  detail.parts.forEach((part, index) => {
    layout.annotations[2 * index + 1].text = partText(part, value);
  });
  return { data, layout };
}
