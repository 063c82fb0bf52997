// The state of the view lives in the address: `#agents?agents.tier=gold&agents.q=ana`. A link to the
// file with such a fragment shows the same view. Values that are the default are left out.

const state = { section: "", values: new Map(), listeners: [] };

function readState() {
  const [section, query = ""] = location.hash.replace(/^#/, "").split("?");
  state.section = section;
  state.values = new Map(new URLSearchParams(query));
}

function stateOf(key) {
  return state.values.get(key) ?? "";
}

function setState(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value) state.values.set(key, value);
    else state.values.delete(key);
  }
  writeState();
}

function writeState() {
  const query = new URLSearchParams([...state.values].sort(([left], [right]) => (left < right ? -1 : 1))).toString();
  const fragment = state.section || query ? `#${state.section}${query ? `?${query}` : ""}` : "";
  if (fragment !== location.hash) history.replaceState(null, "", fragment || location.pathname + location.search);
  for (const listener of state.listeners) listener();
}

function goTo(section) {
  state.section = section;
  writeState();
  const target = document.getElementById(section);
  if (!target) return;
  target.scrollIntoView();
  target.querySelector("h2")?.focus({ preventScroll: true });
}
