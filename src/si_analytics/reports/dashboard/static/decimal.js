// Exact figures. A figure arrives as text and leaves as text; in between it is a BigInt and a number
// of decimal places, never a binary float. Mirrors the library's own `display` module.

export const MISSING = "–";

function parseDecimal(text) {
  const negative = text.startsWith("-");
  const [whole, fraction = ""] = text.replace(/^[-+]/, "").split(".");
  const digits = BigInt(whole + fraction);
  return { digits: negative ? -digits : digits, places: fraction.length };
}

function atPlaces({ digits, places }, wanted) {
  return digits * 10n ** BigInt(wanted - places);
}

export function compareDecimals(left, right) {
  const a = parseDecimal(left);
  const b = parseDecimal(right);
  const places = Math.max(a.places, b.places);
  const difference = atPlaces(a, places) - atPlaces(b, places);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function sumDecimals(texts, least = 0) {
  const parts = texts.filter((text) => text !== null).map(parseDecimal);
  const places = parts.reduce((most, part) => Math.max(most, part.places), least);
  const digits = parts.reduce((sum, part) => sum + atPlaces(part, places), 0n);
  return plainDecimal({ digits, places });
}

function plainDecimal({ digits, places }) {
  const sign = digits < 0n ? "-" : "";
  const all = String(digits < 0n ? -digits : digits).padStart(places + 1, "0");
  const cut = all.length - places;
  return sign + all.slice(0, cut) + (places ? `.${all.slice(cut)}` : "");
}

/** `digits / 10^places`, times `by`, over `over`, rounded half away from zero to `wanted` places. */
function scaled({ digits, places }, by, over, wanted) {
  const size = digits < 0n ? -digits : digits;
  const top = size * by * 10n ** BigInt(wanted);
  const bottom = over * 10n ** BigInt(places);
  const rounded = (top * 2n + bottom) / (bottom * 2n);
  return plainDecimal({ digits: digits < 0n ? -rounded : rounded, places: wanted });
}

export function numberText(text) {
  if (text === null) return MISSING;
  const [whole, fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

export function percentText(text) {
  return text === null ? MISSING : `${numberText(scaled(parseDecimal(text), 100n, 1n, 1))} %`;
}

/** A figure that is a percentage already. */
export function wholePercentText(text) {
  return text === null ? MISSING : `${numberText(scaled(parseDecimal(text), 1n, 1n, 1))} %`;
}

/** A difference of two shares, in points of a percentage: never to be read as a growth. */
export function pointsText(text) {
  if (text === null) return MISSING;
  const points = scaled(parseDecimal(text), 100n, 1n, 1);
  return `${points.startsWith("-") ? "" : "+"}${numberText(points)} pts`;
}

/** A p-value to three places; a smaller one is said to be smaller. */
export function chanceText(text) {
  if (text === null) return MISSING;
  const rounded = scaled(parseDecimal(text), 1n, 1n, 3);
  return rounded === "0.000" ? "< 0.001" : rounded;
}

/** Hours below two days, days from there on. */
export function hoursText(text) {
  if (text === null) return MISSING;
  const value = parseDecimal(text);
  const inHours = compareDecimals(text.replace("-", ""), "48") < 0;
  return `${numberText(scaled(value, 1n, inHours ? 1n : 24n, 1))} ${inHours ? "h" : "d"}`;
}

export function pluralText(count, one, many) {
  return `${numberText(String(count))} ${count === 1 ? one : many}`;
}
