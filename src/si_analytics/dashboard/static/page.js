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

function rankedChart(element, name, table, words) {
  const indices = table.data.rows.flatMap((row, index) => (table.keep(row) ? [index] : [])).slice(0, CHART_ROWS);
  const figure = page.charts[name];
  const whole = table.rows.length;
  find(`${name}-chart-note`).textContent =
    whole > indices.length ? `The first ${indices.length} of ${numberText(String(whole))} that match` : "";
  place(element, () => (indices.length ? pickRows(figure, indices) : noChart(words)));
}

// Agents

function setUpAgents() {
  const currency = page.meta.currency.toUpperCase();
  tables.agents = new DataTable(find("agents-table"), page.tables.agents, {
    name: "agents",
    sort: "rank",
    summary: (rows, table) =>
      `${countOf(rows, table)}, earnings ${currency} ${numberText(sumDecimals(rows.map((row) => table.cell(row, "total_earnings")), 2))}`,
    filters: () => [stateOf("agents.tier"), stateOf("agents.q")],
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
  bindInput(find("agents-tier"), "agents.tier", drawAgents);
  bindInput(find("agents-search"), "agents.q", drawAgents);
  const tier = find("agents-tier").value;
  const named = matcher(table, stateOf("agents.q"), ["agent_name", "agent_id"]);
  table.show((row) => (!tier || (table.cell(row, "tier") ?? "(none)") === tier) && named(row));
  rankedChart(find("agents-chart"), "agents", table, "No agent to draw.");
}

function openAgent() {
  const dialog = find("agent-dialog");
  const table = tables.agents;
  const wanted = stateOf("agents.open");
  const position = wanted ? table.data.rows.findIndex((row) => table.cell(row, "agent_id") === wanted) : -1;
  if (position < 0) {
    if (dialog.open) dialog.close();
    return;
  }
  const row = table.data.rows[position];
  const value = (key) => table.cell(row, key);
  find("agent-name").replaceChildren(WRITERS.name(value("agent_name")));
  const tier = value("tier") ? `, ${value("tier")}` : "";
  find("agent-line").textContent = `Rank ${numberText(value("rank"))} of ${numberText(String(table.data.rows.length))}${tier}`;
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
    writers: Object.fromEntries(["overall", "payment_speed", "communication", "professionalism"].map((name) => [`${name}_rating`, ratingText])),
  });
}

/** A brand without reviews has no mean to show; the warehouse keeps its column's default, 0. */
function ratingText(text, row, table) {
  return table.cell(row, "review_count") === "0" ? MISSING : numberText(text);
}

function drawBrands() {
  bindInput(find("brands-search"), "brands.q", drawBrands);
  tables.brands.show(matcher(tables.brands, stateOf("brands.q"), ["company", "sponsor_id"]));
  rankedChart(find("brands-chart"), "brands", tables.brands, "No brand to draw.");
}

// Funnels

function setUpFunnels() {
  tables.funnels = new DataTable(find("funnels-table"), page.tables.funnels, {
    name: "funnels",
    sort: "",
    heading: "stage",
    summary: (rows) => pluralText(rows.length, "row", "rows"),
    filters: () => [find("funnel-name").value, find("funnel-by").value],
    writers: { breakdown_value: (text, row, table) => WRITERS.name(table.cell(row, "called") ?? text) },
  });
  const options = page.funnels.map(({ name, label }) => make("option", { value: name }, label));
  find("funnel-name").append(...options);
  find("funnel-name").addEventListener("input", () => setState({ "funnels.by": "" }));
}

function drawFunnels() {
  const name = find("funnel-name");
  const by = find("funnel-by");
  bindInput(name, "funnels.name", drawFunnels);
  if (!name.value && page.funnels.length) name.value = page.funnels[0].name;
  const chosen = page.funnels.find((funnel) => funnel.name === name.value);
  const breakdowns = chosen?.breakdowns ?? ["all"];
  by.replaceChildren(...breakdowns.map((value) => make("option", { value: value === "all" ? "" : value }, value === "all" ? "Not split" : labelText(value))));
  bindInput(by, "funnels.by", drawFunnels);
  by.disabled = breakdowns.length < 2;
  const split = by.value || "all";
  const table = tables.funnels;
  const keep = (row) => table.cell(row, "funnel") === name.value && table.cell(row, "breakdown") === split;
  table.show(keep, split === "all" ? ["breakdown_value"] : []);
  const figure = page.charts[`funnel:${name.value}:${split}`];
  find("funnels-chart-title").textContent = `${chosen?.label ?? "No"} funnel${split === "all" ? "" : ` by ${split.replaceAll("_", " ")}`}`;
  find("funnels-chart-note").textContent = figure?.subtitle ?? "";
  place(find("funnels-chart"), () => figure ?? noChart("Nothing has entered this funnel yet."));
}

// Overview, growth, data quality

function setUpRest() {
  const best = page.tables.agents.rows.slice(0, CHART_ROWS).map((_, index) => index);
  place(find("overview-agents"), () => (best.length ? pickRows(page.charts.agents, best) : noChart("No agents yet.")));
  const funnel = page.charts["funnel:invite:all"];
  place(find("overview-funnel"), () => funnel ?? noChart("Nothing has entered this funnel yet."));
  tables.checks = new DataTable(find("checks-table"), page.tables.checks, {
    name: "checks",
    sort: "",
    heading: "check",
    summary: countOf,
    filters: () => [],
    writers: { severity: (text, row, table) => (table.cell(row, "rows") === "0" ? WRITERS.tier("clear") : WRITERS.severity(text)) },
  });
  if (page.tables.growth) {
    place(find("growth-chart"), () => page.charts.growth);
    tables.growth = new DataTable(find("growth-table"), page.tables.growth, { name: "growth", sort: "", summary: countOf, filters: () => [] });
  }
}

function filtersInForce() {
  const parts = [];
  if (stateOf("agents.tier")) parts.push(`agents of tier ${stateOf("agents.tier")}`);
  if (stateOf("agents.q")) parts.push(`agents matching “${stateOf("agents.q")}”`);
  if (stateOf("brands.q")) parts.push(`brands matching “${stateOf("brands.q")}”`);
  if (find("funnel-name").value) parts.push(`${find("funnels-chart-title").textContent.toLowerCase()}`);
  return parts.join("; ") || "none";
}

function drawAll() {
  readState();
  drawAgents();
  drawBrands();
  drawFunnels();
  tables.checks.draw();
  tables.growth?.draw();
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

function start() {
  readState();
  setUpAgents();
  setUpBrands();
  setUpFunnels();
  setUpRest();
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
  addEventListener("hashchange", drawAll);
  watchTheme();
  drawAll();
  if (state.section) document.getElementById(state.section)?.scrollIntoView();
  addEventListener("DOMContentLoaded", () => {
    for (const element of places.keys()) {
      watcher.unobserve(element);
      watcher.observe(element);
    }
    document.documentElement.dataset.ready = "yes";
  });
}

start();
