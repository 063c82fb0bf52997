// The page put together: each section's filters, table and chart, and the state they share.

const page = JSON.parse(document.getElementById("page-data").textContent);
const CHART_ROWS = 12;
const tables = {};
const find = (id) => document.getElementById(id);
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function bindInput(element, key, redraw) {
  element.value = stateOf(key);
  if (element.value !== stateOf(key)) element.value = "";
  if (element.dataset.bound) return;
  element.dataset.bound = "yes";
  element.addEventListener("input", () => {
    setState({ [key]: element.value });
    redraw();
  });
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

/** `words`: what to say where no row matches, and where none of those that do has anything to draw. */
function rankedChart(element, name, table, words, figureName = name) {
  const figure = page.charts[figureName];
  // The first rows are those that the figure draws: the others earned nothing, or are not rated.
  const drawn = table.data.rows.flatMap((row, index) => (index < figure.rows && table.keep(row) ? [index] : []));
  const indices = drawn.slice(0, CHART_ROWS);
  find(`${name}-chart-note`).textContent =
    drawn.length > indices.length ? `The first ${indices.length} of ${numberText(String(drawn.length))} to be drawn` : "";
  place(element, () => (indices.length ? pickRows(figure, indices) : noChart(table.rows.length ? words.nothing : words.nobody)));
}

function nobodyEarned() {
  return chosenPeriod() ? "Nobody earned anything in this period." : "Nobody has earned anything yet.";
}

// Period: one choice for the whole page, wherever it is made

function chosenPeriod() {
  return page.headlines[stateOf("period")] ? stateOf("period") : "";
}

/** The period with its first and last day, as it is printed. */
function periodText() {
  const option = document.querySelector(`#overview-period option[value="${chosenPeriod()}"]`);
  return `${option.textContent.toLowerCase()}, ${option.dataset.days}`;
}

function ofPeriod(name) {
  const period = chosenPeriod();
  return period ? `${name}:${period}` : name;
}

function setUpPeriod() {
  const dl = find("headlines");
  const allTime = [...dl.children];
  page.allTime = allTime;
  for (const select of document.querySelectorAll("[data-period]")) {
    select.addEventListener("input", () => {
      setState({ period: select.value });
      drawPeriod();
    });
  }
}

function drawPeriod() {
  for (const select of document.querySelectorAll("[data-period]")) {
    select.value = chosenPeriod();
    select.closest(".filters").querySelector("[data-days-shown]").textContent = select.selectedOptions[0].dataset.days ?? "";
  }
  const cards = (page.headlines[chosenPeriod()] ?? []).map(({ label, value, note, trend }) =>
    make(
      "div",
      { className: "card" },
      make("dt", {}, label),
      make("dd", { className: "value" }, value),
      make("dd", { className: `note ${trend}` }, note),
    ),
  );
  find("headlines").replaceChildren(...(cards.length ? cards : page.allTime));
  drawOverview();
  drawAgents();
  drawFunnels();
}

// Agents

function setUpAgents() {
  const currency = page.meta.currency.toUpperCase();
  tables.agents = new DataTable(find("agents-table"), page.tables.agents, {
    name: "agents",
    sort: "rank",
    summary: (rows, table) =>
      `${countOf(rows, table)}, earnings ${currency} ${numberText(sumDecimals(rows.map((row) => table.cell(row, "total_earnings")), 2))}`,
    filters: () => [chosenPeriod(), stateOf("agents.tier"), stateOf("agents.q")],
    writers: { agent_name: agentButton },
  });
  const tiers = new Set(page.tables.agents.rows.map((row) => tables.agents.cell(row, "tier") ?? "(none)"));
  const order = ["platinum", "gold", "silver", "bronze"];
  const known = [...order.filter((tier) => tiers.has(tier)), ...[...tiers].filter((tier) => !order.includes(tier)).sort()];
  find("agents-tier").append(...known.map((tier) => make("option", { value: tier }, tier)));
  find("agent-close").addEventListener("click", () => find("agent-dialog").close());
  find("agent-dialog").addEventListener("close", () => setState({ "agents.open": "" }));
}

function countOf(rows, table) {
  const all = table.data.rows.length;
  const { thing, things } = table.data;
  return rows.length === all ? pluralText(all, thing, things) : `${numberText(String(rows.length))} of ${pluralText(all, thing, things)}`;
}

function agentButton(name, row, table) {
  const button = make("button", { type: "button", className: "link", ariaHasPopup: "dialog" }, WRITERS.name(name));
  button.addEventListener("click", () => {
    setState({ "agents.open": table.cell(row, "agent_id") });
    openAgent();
  });
  return button;
}

function drawAgents() {
  const table = tables.agents;
  table.use(page.tables[ofPeriod("agents")]);
  bindInput(find("agents-tier"), "agents.tier", drawAgents);
  bindInput(find("agents-search"), "agents.q", drawAgents);
  const tier = find("agents-tier").value;
  const named = matcher(table, stateOf("agents.q"), ["agent_name", "agent_id"]);
  table.show((row) => (!tier || (table.cell(row, "tier") ?? "(none)") === tier) && named(row));
  rankedChart(find("agents-chart"), "agents", table, { nobody: "No agent to draw.", nothing: nobodyEarned() }, ofPeriod("agents"));
}

function openAgent() {
  const dialog = find("agent-dialog");
  const data = page.tables.agents; // of all time, as the score is
  const at = new Map(data.columns.map((column, index) => [column.key, index]));
  const wanted = stateOf("agents.open");
  const position = wanted ? data.rows.findIndex((row) => row[at.get("agent_id")] === wanted) : -1;
  if (position < 0) {
    if (dialog.open) dialog.close();
    return;
  }
  const value = (key) => data.rows[position][at.get(key)] ?? null;
  find("agent-name").replaceChildren(WRITERS.name(value("agent_name")));
  const tier = value("tier") ? `, ${value("tier")}` : "";
  find("agent-line").textContent = `Rank ${numberText(value("rank"))} of ${numberText(String(data.rows.length))}${tier}, all time`;
  find("agent-score").textContent = numberText(value("performance_score"));
  if (!dialog.open) dialog.showModal();
  place(find("agent-chart"), () => performanceFigure(value, position));
}

function performanceFigure(value, position) {
  const { data, layout, standings } = structuredClone(page.charts.performance);
  const unit = (key, word) => (value(key) === null ? MISSING : `${numberText(value(key))} ${word}`);
  const recruits = value("total_referrals");
  const texts = [
    `${page.meta.currency.toUpperCase()} ${numberText(value("total_earnings"))}`,
    pluralText(Number(value("total_deals")), "deal", "deals"),
    recruits === "0" ? MISSING : `${numberText(value("verified_referrals"))} of ${numberText(recruits)}`,
    unit("average_conversion_time", "d"),
    unit("response_time", "h"),
    unit("satisfaction_score", "of 5"),
  ];
  data[0].x = standings[position];
  texts.forEach((text, part) => (layout.annotations[2 * part + 1].text = text));
  return { data, layout };
}

// Brands

function setUpBrands() {
  tables.brands = new DataTable(find("brands-table"), page.tables.brands, {
    name: "brands",
    sort: "rank",
    summary: countOf,
    filters: () => [stateOf("brands.q")],
  });
}

function drawBrands() {
  bindInput(find("brands-search"), "brands.q", drawBrands);
  tables.brands.show(matcher(tables.brands, stateOf("brands.q"), ["company", "sponsor_id"]));
  rankedChart(find("brands-chart"), "brands", tables.brands, { nobody: "No brand to draw.", nothing: "No such brand has been reviewed yet." });
}

// Funnels

function setUpFunnels() {
  tables.funnels = new DataTable(find("funnels-table"), page.tables.funnels, {
    name: "funnels",
    sort: "",
    heading: "stage",
    summary: stagesText,
    filters: () => [chosenPeriod(), find("funnel-name").value, find("funnel-by").value],
    writers: { breakdown_value: (text, row, table) => WRITERS.name(table.cell(row, "called") ?? text) },
  });
  const options = page.funnels.map(({ name, label }) => make("option", { value: name }, label));
  find("funnel-name").append(...options);
  find("funnel-name").addEventListener("input", () => setState({ "funnels.by": "" }));
}

function stagesText(rows, table) {
  const values = new Set(rows.map((row) => table.cell(row, "breakdown_value"))).size;
  return find("funnel-by").value ? `${pluralText(values, "value", "values")}, ${pluralText(rows.length, "row", "rows")}` : pluralText(rows.length, "stage", "stages");
}

function drawFunnels() {
  const name = find("funnel-name");
  const by = find("funnel-by");
  bindInput(name, "funnels.name", drawFunnels);
  if (!name.value && page.funnels.length) name.value = page.funnels[0].name;
  const chosen = page.funnels.find((funnel) => funnel.name === name.value);
  // A period is not split by month: page.charts says what there is.
  const there = (split) => split === "all" || page.charts[ofPeriod(`funnel:${name.value}:${split}`)] !== undefined;
  const breakdowns = (chosen?.breakdowns ?? ["all"]).filter(there);
  by.replaceChildren(...breakdowns.map((value) => make("option", { value: value === "all" ? "" : value }, value === "all" ? "Not split" : labelText(value))));
  bindInput(by, "funnels.by", drawFunnels);
  by.disabled = breakdowns.length < 2;
  const split = by.value || "all";
  const table = tables.funnels;
  table.use(page.tables[ofPeriod("funnels")]);
  const keep = (row) => table.cell(row, "funnel") === name.value && table.cell(row, "breakdown") === split;
  table.show(keep, split === "all" ? ["breakdown_value"] : []);
  const figure = page.charts[ofPeriod(`funnel:${name.value}:${split}`)];
  drawTimes(name.value, chosen);
  find("funnels-chart-title").textContent = `${chosen?.label ?? "No"} funnel${split === "all" ? "" : ` by ${split.replaceAll("_", " ")}`}`;
  find("funnels-chart-note").textContent = figure?.subtitle ?? "";
  place(find("funnels-chart"), () => figure ?? noChart("Nothing has entered this funnel yet."));
}

function drawTimes(name, chosen) {
  const element = find("times-chart");
  if (!element) return;
  const figure = page.charts[`times:${name}`];
  tables.times.show((row) => tables.times.cell(row, "funnel") === name);
  find("times-chart-note").textContent = figure?.subtitle ? `${figure.subtitle}, all time` : "";
  element.setAttribute("aria-label", `Curve of the share that got to the last stage of the ${chosen?.label ?? ""} funnel within each time; the table below holds some of it`);
  place(element, () => figure ?? noChart("Nobody got there yet."));
}

// Overview, growth, data quality

function drawOverview() {
  const figure = page.charts[ofPeriod("agents")];
  const agents = page.tables[ofPeriod("agents")].rows;
  const best = agents.slice(0, Math.min(CHART_ROWS, figure.rows)).map((_, index) => index);
  place(find("overview-agents"), () => (best.length ? pickRows(figure, best) : noChart(agents.length ? nobodyEarned() : "No agents yet.")));
  const funnel = page.charts[ofPeriod("funnel:invite:all")];
  place(find("overview-funnel"), () => funnel ?? noChart("Nothing has entered this funnel yet."));
}

/** The last `count` months of the chart, which goes from the first month to the last. */
function lastMonths(figure, count) {
  const cut = (values) => (Array.isArray(values) ? values.slice(-count) : values);
  const data = figure.data.map((trace) => ({ ...trace, x: cut(trace.x), y: cut(trace.y), customdata: cut(trace.customdata) }));
  const layout = structuredClone(figure.layout);
  for (const [name, axis] of Object.entries(layout)) if (name.startsWith("xaxis")) axis.dtick = count > 12 ? "M3" : "M1";
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
    { text: trace.meta, x: 0.5, y: (y.domain[0] + y.domain[1]) / 2, xref: "paper", yref: "paper", showarrow: false, opacity: 0.8 },
  ];
}

function drawGrowth() {
  const table = tables.growth;
  if (!table) return;
  const select = find("growth-months");
  bindInput(select, "growth.months", drawGrowth);
  const count = Number(select.value) || page.tables.growth.rows.length;
  const shown = new Set(page.tables.growth.rows.slice(0, count)); // the latest month first
  table.show((row) => shown.has(row));
  place(find("growth-chart"), () => (select.value ? lastMonths(page.charts.growth, count) : page.charts.growth));
}

/** How old the figures are when they are read: the file cannot know, the reader's clock does. */
function tellFreshness() {
  const days = Math.floor((Date.now() - Date.parse(page.meta.moment)) / 86_400_000);
  const age = days > 0 ? `, ${pluralText(days, "day", "days")} before this page was opened` : "";
  find("freshness").textContent = find("freshness").textContent.replace(/\.$/, `${age}.`);
  tellSnapshot();
}

function ageText(seconds) {
  const hours = Math.floor(seconds / 3600);
  if (hours >= 48) return pluralText(Math.floor(hours / 24), "day", "days");
  return hours ? pluralText(hours, "hour", "hours") : "less than an hour";
}

/** How old the snapshot is by the reader's clock, with a warning where it is older than usual. */
function tellSnapshot() {
  if (!page.meta.taken_at) return;
  const seconds = Math.floor((Date.now() - Date.parse(page.meta.taken_at)) / 1000);
  if (seconds <= 0) return;
  const line = find("snapshot-age");
  line.textContent = line.textContent.replace(/\.$/, `, ${ageText(seconds)} before this page was opened.`);
  if (seconds <= page.meta.snapshot_keeps) return;
  const warning = find("snapshot-warning");
  warning.hidden = false;
  warning.lastElementChild.textContent = `These figures are ${ageText(seconds)} old, older than usual: see whether refreshes still run.`;
}

function setUpRest() {
  for (const name of ["earnings", "cohorts", "experiments"]) {
    if (!find(`${name}-chart`)) continue;
    place(find(`${name}-chart`), () => page.charts[name]);
    find(`${name}-chart-note`).textContent ||= page.charts[name].subtitle;
  }
  if (page.tables.times) {
    const filters = () => [find("funnel-name").value];
    const summary = (rows) => pluralText(rows.length, "share of those timed", "shares of those timed") + ", all time";
    tables.times = new DataTable(find("times-table"), page.tables.times, { name: "times", sort: "", heading: "percentile", summary, filters });
  }
  for (const [name, heading] of [["cohorts", "cohort_month"], ["experiments", "template_name"], ["left-out", "currency"], ["sources", "table_name"]]) {
    if (!page.tables[name]) continue;
    tables[name] = new DataTable(find(`${name}-table`), page.tables[name], { name, sort: "", heading, summary: countOf, filters: () => [] });
  }
  tables.checks = new DataTable(find("checks-table"), page.tables.checks, {
    name: "checks",
    sort: "",
    heading: "check",
    summary: countOf,
    filters: () => [],
    writers: { severity: (text, row, table) => (table.cell(row, "rows") === "0" ? WRITERS.tier("clear") : WRITERS.severity(text)) },
  });
  if (page.tables.growth) {
    const filters = () => [stateOf("growth.months") && `last-${stateOf("growth.months")}-months`];
    tables.growth = new DataTable(find("growth-table"), page.tables.growth, { name: "growth", sort: "", summary: countOf, filters });
  }
}

function filtersInForce() {
  const parts = chosenPeriod() ? [`period ${periodText()}`] : [];
  if (stateOf("agents.tier")) parts.push(`agents of tier ${stateOf("agents.tier")}`);
  if (stateOf("agents.q")) parts.push(`agents matching “${stateOf("agents.q")}”`);
  if (stateOf("brands.q")) parts.push(`brands matching “${stateOf("brands.q")}”`);
  if (find("funnel-name").value) parts.push(`${find("funnels-chart-title").textContent.toLowerCase()}`);
  if (find("growth-months")?.value) parts.push(`growth of the last ${find("growth-months").value} months`);
  return parts.join("; ") || "none";
}

function drawAll() {
  readState();
  drawPeriod();
  drawBrands();
  drawGrowth();
  for (const name of ["checks", "cohorts", "experiments", "left-out", "sources"]) tables[name]?.draw();
  openAgent();
  showState();
}

function showState() {
  for (const element of document.querySelectorAll("[data-filters]")) element.textContent = filtersInForce();
  find("reset").hidden = state.values.size === 0;
  const shown = state.section || "overview";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const current = document.querySelector("nav a[aria-current]");
  if (current) current.closest("ul").scrollLeft = current.offsetLeft - 40;
}

// The section in sight is the one that the address and the navigation tell, however it was come by

const SETTLED_MS = 120;

function sectionInSight() {
  const sections = [...document.querySelectorAll("main > section")];
  const inSight = (id) => {
    const { top, bottom } = find(`${id}-title`).getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  };
  // One that was gone to stays so while its heading is seen: the last ones may never reach the top.
  if (sections.some(({ id }) => id === state.section) && inSight(state.section)) return state.section;
  return (sections.findLast((section) => section.getBoundingClientRect().top <= innerHeight / 3) ?? sections[0]).id;
}

function watchScrolling() {
  let settling;
  addEventListener("scroll", () => {
    clearTimeout(settling);
    settling = setTimeout(() => {
      const section = sectionInSight();
      if (printing || section === (state.section || "overview")) return;
      state.section = section;
      writeState();
    }, SETTLED_MS);
  });
}

// An address that was typed, or gone back to, is a view to be shown whole: its filters, and its section in sight.
function showAddress() {
  drawAll();
  document.getElementById(state.section)?.scrollIntoView();
}

function start() {
  readState();
  setUpAgents();
  setUpBrands();
  setUpFunnels();
  setUpRest();
  setUpPeriod();
  tellFreshness();
  state.listeners.push(showState);
  for (const link of document.querySelectorAll("a[href^='#']")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(link.hash.slice(1));
    });
  }
  find("reset").addEventListener("click", () => {
    state.values.clear();
    writeState();
    drawAll();
  });
  addEventListener("hashchange", showAddress);
  watchTheme();
  watchScrolling();
  showAddress();
  addEventListener("DOMContentLoaded", () => {
    for (const element of places.keys()) {
      watcher.unobserve(element);
      watcher.observe(element);
    }
    document.documentElement.dataset.ready = "yes";
  });
}

start();
