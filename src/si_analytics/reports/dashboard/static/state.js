// What the page was written with, and the state of the view. That lives in the address:
// `#agents?agents.tier=gold&agents.q=ana`. A link to the file with such a fragment shows the same view. Values that are
// the default are left out.

export const page = JSON.parse(document.getElementById("page-data").textContent);
export const find = (id) => document.getElementById(id);
export const state = { section: "", values: new Map(), listeners: [] };

export function readState() {
  const [section, query = ""] = location.hash.replace(/^#/, "").split("?");
  state.section = section;
  state.values = new Map(new URLSearchParams(query));
}

export function stateOf(key) {
  return state.values.get(key) ?? "";
}

export function setState(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value) state.values.set(key, value);
    else state.values.delete(key);
  }
  writeState();
}

export function writeState() {
  const query = new URLSearchParams([...state.values].sort(([left], [right]) => (left < right ? -1 : 1))).toString();
  const fragment = state.section || query ? `#${state.section}${query ? `?${query}` : ""}` : "";
  if (fragment !== location.hash) history.replaceState(null, "", fragment || location.pathname + location.search);
  for (const listener of state.listeners) listener();
}

export function goTo(section) {
  state.section = section;
  writeState();
  const target = document.getElementById(section);
  if (!target) return;
  target.scrollIntoView();
  target.querySelector("h2")?.focus({ preventScroll: true });
}
