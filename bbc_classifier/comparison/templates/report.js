"use strict";
// Without this script everything is shown at once; it only hides, sorts and copies.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function showChosen() {
  const chosen = new Set(all("#chooser input:checked").map((box) => box.value));
  for (const part of all("[data-configuration]")) part.hidden = !chosen.has(part.dataset.configuration);
}

for (const box of all("#chooser input")) box.addEventListener("change", showChosen);
for (const button of all("[data-choose]")) {
  button.addEventListener("click", () => {
    for (const box of all("#chooser input")) box.checked = button.dataset.choose === "all";
    showChosen();
  });
}

function valueOf(row, column) {
  const cell = row.children[column];
  const text = cell.dataset.value ?? cell.textContent;
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? text : number;
}

function compare(one, other) {
  const numbers = [one, other].map((value) => typeof value === "number");
  // What has no number stands behind what has one.
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
  return numbers[0] ? one - other : one.localeCompare(other);
}

for (const table of all("table.sortable")) {
  const heads = all("thead th", table);
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => compare(valueOf(a, column), valueOf(b, column)) * (descending ? -1 : 1));
      body.append(...rows);
    });
  });
}

const select = document.getElementById("detail");
function showDetail() {
  for (const detail of all(".detail")) detail.hidden = detail.dataset.detail !== select.value;
}
select.addEventListener("change", showDetail);
showDetail();

for (const list of all("[role=tablist]")) {
  const tabs = all("[role=tab]", list);
  const open = (tab, focus) => {
    for (const other of tabs) {
      const isOpen = other === tab;
      other.setAttribute("aria-selected", String(isOpen));
      other.tabIndex = isOpen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !isOpen;
    }
    if (focus) tab.focus();
  };
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => open(tab, false));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) open(tabs[(place + step + tabs.length) % tabs.length], true);
    });
  });
  if (tabs.length) open(tabs[0], false);
}

for (const button of all("[data-copy]")) {
  const status = button.parentElement.querySelector("[role=status]");
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.textContent);
      status.textContent = "Copied.";
    } catch {
      // A page opened from a file may not be allowed to: what is selected can be copied by hand.
      getSelection().selectAllChildren(code);
      status.textContent = "Selected: copy it with the keyboard.";
    }
  });
}

for (const button of all("[data-download]")) {
  button.addEventListener("click", () => {
    const code = document.getElementById(button.dataset.download).textContent;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([code], { type: "text/x-python" }));
    link.download = button.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}
