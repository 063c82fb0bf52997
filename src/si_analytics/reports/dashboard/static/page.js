// The page put together: its sections, the period, and the state they share.

import { places, printing, watcher, watchTheme } from "./charts.js";
import { openDetails } from "./details.js";
import { chosenPeriod, filtersInForce } from "./filters.js";
import { tellFreshness } from "./freshness.js";
import { drawPanels, setUpPanels } from "./panels.js";
import { find, goTo, page, readState, setState, state, writeState } from "./state.js";
import { make } from "./table.js";

const sections = [...document.querySelectorAll("main > section")];

function setUpPeriod() {
  const dl = find("headlines");
  const allTime = [...dl.children];
  page.allTime = allTime;
  for (const select of document.querySelectorAll("[data-period]")) {
    select.addEventListener("input", () => {
      setState({ period: select.value });
      drawPeriod();
      drawPanels((panel) => panel.follows_period);
    });
  }
}

function drawPeriod() {
  for (const select of document.querySelectorAll("[data-period]")) {
    select.value = chosenPeriod();
    select.closest(".filters").querySelector("[data-days-shown]").textContent =
      select.selectedOptions[0].dataset.days ?? "";
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
}

function drawAll() {
  readState();
  drawPeriod();
  drawPanels();
  openDetails();
}

export function showState() {
  for (const element of document.querySelectorAll("[data-filters]")) element.textContent = filtersInForce();
  find("reset").hidden = state.values.size === 0;
  const shown = state.section || sections[0].id;
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
      if (printing || section === (state.section || sections[0].id)) return;
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
  setUpPanels();
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
