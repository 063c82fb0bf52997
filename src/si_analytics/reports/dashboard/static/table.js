// A table that sorts, filters, counts, sums and downloads. Cells are made with textContent alone, so
// that nothing people typed is ever read as HTML.

import { csvText, download, fileName } from "./csv.js";
import {
  chanceText,
  compareDecimals,
  hoursText,
  MISSING,
  numberText,
  percentText,
  pointsText,
  wholePercentText,
} from "./decimal.js";
import { page, setState, stateOf } from "./state.js";

const FIRST_ROWS = 20;
const MORE_ROWS = 100;
const TOO_FEW_TO_CUT = 30;
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export function labelText(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function monthText(iso) {
  const names = ["January", "February", "March", "April", "May", "June"];
  names.push("July", "August", "September", "October", "November", "December");
  const [, year, month] = /^([+-]?\d+)-(\d\d)/.exec(iso); // a year before our era has a sign, one after 9999 too
  return `${names[Number(month) - 1]} ${year}`;
}

function movementCell(text) {
  if (text === null) return make("span", { className: "muted" }, "new");
  const size = text.replace("-", "");
  if (size === "0")
    return make("span", { className: "muted" }, "=", make("span", { className: "hidden" }, " no change"));
  const up = !text.startsWith("-");
  const words = make("span", { className: "hidden" }, up ? "up " : "down ");
  return make(
    "span",
    { className: up ? "up" : "down" },
    words,
    make("span", { ariaHidden: "true" }, up ? "▲ " : "▼ "),
    numberText(size),
  );
}

/** A name as typed; one too long for its three lines is told in full when pointed at. */
function nameCell(text) {
  const shown = text === null || !text.trim() ? "(no name)" : text;
  return make("bdi", { title: shown.length > 50 ? shown : "" }, shown);
}

export const WRITERS = {
  number: numberText,
  ratio: percentText,
  percent: wholePercentText,
  points: pointsText,
  chance: chanceText,
  hours: hoursText,
  movement: movementCell,
  month: (text) => (text === null ? MISSING : monthText(text)),
  stage: (text) => (text === null ? MISSING : labelText(text)),
  name: nameCell,
  person: nameCell,
  tier: (text) => (text === null ? MISSING : make("span", { className: `tier tier-${text.replace(/\W/g, "")}` }, text)),
  severity: (text) =>
    text === null ? MISSING : make("span", { className: `tier severity-${text.replace(/\W/g, "")}` }, text),
  text: (text) => text ?? MISSING,
  sentence: (text) => (text === null ? MISSING : text.charAt(0).toUpperCase() + text.slice(1)),
};
const FIGURES = new Set(["number", "ratio", "percent", "points", "chance", "hours", "movement"]);

export class DataTable {
  /** `options`: name, sort (the default, like "rank" or "-reached"), onChange(table), writers by column key. */
  constructor(root, data, options) {
    this.root = root;
    this.options = options;
    this.use(data);
    this.keep = () => true;
    this.hiddenKeys = new Set();
    this.writers = options.writers ?? {};
    this.part = (name) => root.querySelector(`[data-${name}]`);
    this.part("csv").addEventListener("click", () => this.save());
    this.part("more").addEventListener("click", () => this.showMore(MORE_ROWS));
    this.part("all").addEventListener("click", () => this.showMore(Infinity));
  }

  /** Shows `data` from now on, drawn with the next `show`. */
  use(data) {
    this.data = data;
    this.index = new Map(data.columns.map((column, position) => [column.key, position]));
  }

  cell(row, key) {
    return row[this.index.get(key)] ?? null;
  }

  get sortKey() {
    const asked = stateOf(`${this.options.name}.sort`);
    const key = asked.replace(/^-/, "");
    return this.columns().some((column) => column.key === key) ? asked : this.options.sort;
  }

  columns() {
    return this.data.columns.filter((column) => column.shown && !this.hiddenKeys.has(column.key));
  }

  /** The rows to show: those that `keep` leaves, of the columns not in `hide`. */
  show(keep, hide = []) {
    this.keep = keep;
    this.hiddenKeys = new Set(hide);
    this.draw();
  }

  draw() {
    this.rows = this.sorted(this.data.rows.filter(this.keep));
    this.limit = this.rows.length <= TOO_FEW_TO_CUT ? this.rows.length : FIRST_ROWS;
    this.drawHead();
    this.drawBody();
    this.part("count").textContent = this.options.summary(this.rows, this);
    this.part("csv").disabled = this.rows.length === 0;
  }

  sorted(rows) {
    const key = this.sortKey.replace(/^-/, "");
    const down = this.sortKey.startsWith("-");
    const position = this.index.get(key);
    if (position === undefined) return rows;
    const kind = this.data.columns[position].kind;
    const exact = FIGURES.has(kind);
    const compare = (left, right) => {
      if (left[position] === null || right[position] === null)
        return (left[position] === null) - (right[position] === null);
      const order = exact
        ? compareDecimals(left[position], right[position])
        : collator.compare(left[position], right[position]);
      return down ? -order : order;
    };
    return [...rows].sort(compare);
  }

  sortBy(column) {
    const current = this.sortKey;
    const first = column.down ? `-${column.key}` : column.key;
    const other = column.down ? column.key : `-${column.key}`;
    const wanted = current === first ? other : first;
    setState({ [`${this.options.name}.sort`]: wanted === this.options.sort ? "" : wanted });
    this.draw();
    this.part("head").querySelector(`[data-key="${column.key}"]`).focus();
  }

  drawHead() {
    const cells = this.columns().map((column) => {
      const sorted = this.sortKey.replace(/^-/, "") === column.key;
      const button = make("button", { type: "button", "data-key": column.key, title: column.hint }, column.label);
      if (column.unit) button.append(" ", make("span", { className: "unit" }, column.unit));
      button.addEventListener("click", () => this.sortBy(column));
      const cell = make("th", { scope: "col", className: FIGURES.has(column.kind) ? "figure" : "" }, button);
      cell.classList.toggle("anchor", this.heads(column));
      if (sorted) cell.setAttribute("aria-sort", this.sortKey.startsWith("-") ? "descending" : "ascending");
      return cell;
    });
    this.part("head").replaceChildren(...cells);
  }

  drawBody() {
    const shown = this.rows.slice(0, this.limit);
    const columns = this.columns();
    const largest = new Map(
      columns.filter((column) => column.bar).map((column) => [column.key, this.largest(column.key)]),
    );
    const lines = shown.map((row) => make("tr", {}, ...columns.map((column) => this.bodyCell(row, column, largest))));
    if (!lines.length) {
      const words = this.data.rows.length ? `No ${this.data.thing} matches.` : `No ${this.data.things} yet.`;
      lines.push(make("tr", {}, make("td", { colSpan: columns.length, className: "empty" }, words)));
    }
    this.part("body").replaceChildren(...lines);
    const left = this.rows.length - shown.length;
    this.part("rest").hidden = left <= 0;
    this.part("more").textContent = `Show ${numberText(String(Math.min(left, MORE_ROWS)))} more`;
    this.part("all").textContent = `Show all ${numberText(String(this.rows.length))}`;
    this.part("listed").textContent =
      `The first ${numberText(String(shown.length))} of ${numberText(String(this.rows.length))} are listed.`;
  }

  bodyCell(row, column, largest) {
    const value = this.cell(row, column.key);
    const content = this.written(value, row, column);
    const kind = FIGURES.has(column.kind) ? "figure" : `kind-${column.kind}`;
    const cell = make(this.heads(column) ? "th" : "td", { className: kind }, content);
    if (this.heads(column)) Object.assign(cell, { scope: "row", className: `anchor ${kind}` });
    if (column.bar && largest.get(column.key) > 0 && value !== null) {
      cell.classList.add("bar");
      cell.style.setProperty("--share", Math.max(0, Number(value) / largest.get(column.key)).toFixed(4));
    }
    return cell;
  }

  written(value, row, column) {
    if (column.clear_where_no && this.cell(row, column.clear_where_no) === "0") return WRITERS.tier("clear");
    const text = column.called ? (this.cell(row, column.called) ?? value) : value;
    return (this.writers[column.key] ?? WRITERS[column.kind])(text, row, this);
  }

  /** Whether the column says what a row is about: it heads the row, and stays in sight where the table is narrow. */
  heads(column) {
    return column.kind === "name" || column.kind === "month" || column.key === this.options.heading;
  }

  /** How long the longest bar is: a length to draw, not a figure to read. */
  largest(key) {
    return this.rows.reduce((most, row) => Math.max(most, Number(this.cell(row, key) ?? 0)), 0);
  }

  showMore(count) {
    const before = this.limit;
    this.limit = this.limit + count;
    this.drawBody();
    const first = this.part("body").children[before];
    if (first) {
      first.tabIndex = -1;
      first.focus({ preventScroll: true });
    }
  }

  save() {
    download(
      fileName([this.options.name, page.meta.as_of, ...this.options.filters()]),
      csvText(this.data.columns, this.rows),
    );
  }
}
