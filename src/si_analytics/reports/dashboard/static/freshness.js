// How old the figures are: the file cannot know, the reader's clock does.

import { pluralText } from "./decimal.js";
import { find, page } from "./state.js";

/** How old the figures are when they are read: the file cannot know, the reader's clock does. */
export function tellFreshness() {
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
