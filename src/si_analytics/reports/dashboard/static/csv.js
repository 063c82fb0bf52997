// The download: exactly the rows that match, as the warehouse holds them.

const FORMULA = /^[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
const TYPED = new Set(["text", "sentence", "name", "person", "tier", "stage", "severity"]);

/** A cell of a CSV file. What people typed never starts a formula: spreadsheets then show it as it is. */
function csvCell(value, kind) {
  if (value === null) return "";
  const inert = TYPED.has(kind) && FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

export function csvText(columns, rows) {
  const lines = [columns.map((column) => column.key).join(",")];
  for (const row of rows) {
    lines.push(columns.map((column, index) => csvCell(row[index], column.kind)).join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Offers `text` as a file. The mark at its start tells spreadsheets that it is UTF-8. */
export function download(name, text) {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function fileName(parts) {
  const words = parts.filter(Boolean).map((part) =>
    part
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, ""),
  );
  return `${words.filter(Boolean).join("_").slice(0, 120)}.csv`;
}
