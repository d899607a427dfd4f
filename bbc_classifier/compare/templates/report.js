"use strict";
// Everything is readable without this script; it sorts tables, copies code and opens details before printing.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function compareCells(one, other) {
  const [a, b] = [one, other].map((text) => (text === "" ? NaN : Number(text)));
  if (Number.isNaN(a) && Number.isNaN(b)) return one.localeCompare(other);
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
  return a - b;
}

for (const table of all("table.sortable")) {
  all("thead th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows];
      const [filled, empty] = [rows.filter(value), rows.filter((row) => !value(row))];
      filled.sort((a, b) => compareCells(value(a), value(b)) * (descending ? -1 : 1));
      table.tBodies[0].append(...filled, ...empty);
    });
  });
}

for (const button of all("[data-copy]")) {
  button.addEventListener("click", async () => {
    const code = button.nextElementSibling;
    getSelection().selectAllChildren(code);
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  });
}

addEventListener("beforeprint", () => all("details").forEach((details) => (details.open = true)));
