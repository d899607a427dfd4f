"use strict";
// Without this script every number is in a table; it draws the chosen configuration, sorts tables, copies commands.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);
const page = JSON.parse(one("#page").textContent);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const ARROWS = { ArrowLeft: -1, ArrowRight: 1 };
const CHOICES = all("[data-name], [data-encoder], [data-pooling]");
let [chosen, step] = [undefined, 0];
function node(tag, attributes = {}, ...children) {
  const space = ["svg", "path", "circle", "text", "rect"].includes(tag) ? "2000/svg" : "1999/xhtml";
  const made = document.createElementNS(`http://www.w3.org/${space}`, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const on = (places, kind, act) => places.forEach((place) => place.addEventListener(kind, (event) => act(place, event)));
const row = (scope, heads, cells = []) => node("tr", {}, ...heads.map((head) => node("th", { scope }, head)), ...cells);
// Choosing a configuration. Drawn is how much a pooling reads of token t, of which the last is padding, in dimension d.
const TOKENS = 7;
const [even, first] = [(share) => (t) => (t < TOKENS - 1 ? share : 0), (t) => +(t === 0)];
const READS = {
  ...{ cls: first, pooler: first },
  mean: even(0.5),
  max: (t, d) => +(t === [3, 0, 5, 2][d]),
  attention: (t) => [0.15, 0.9, 0.3, 0.1, 0.6, 0.2, 0][t],
  "cls+mean": (t) => first(t) || even(0.35)(t),
};
const SIGNS = { sum_t: "Σₜ", _t: "ₜ", _1: "₁", " . ": " · " };
function sketch(name, dimensions, reads) {
  const cells = Array.from({ length: reads ? TOKENS * dimensions : 0 }, (_, number) => {
    const [t, d] = [Math.floor(number / dimensions), number % dimensions];
    const place = { x: 12 * t + 1, y: 12 * d + 1, width: 10, height: 10 };
    return node("rect", { ...place, "fill-opacity": reads(t, d), class: `token-${t}` });
  });
  const size = { viewBox: `0 0 84 ${12 * dimensions}`, width: 84, "aria-hidden": "true" };
  one(`[data-sketch=${name}]`).replaceChildren(node("svg", size, ...cells));
}
function choose(configuration) {
  chosen = configuration;
  for (const place of CHOICES) {
    const [[kind, value]] = Object.entries(place.dataset);
    place.setAttribute(place.matches("tr") ? "aria-current" : "aria-pressed", value === chosen[kind]);
  }
  for (const button of all("[data-copy]")) button.textContent = "Copy";
  for (const place of all("[data-show]")) place.textContent = chosen[place.dataset.show] ?? "";
  const formula = one("[data-show=formula]");
  formula.textContent = formula.textContent.replace(/sum_t|_t|_1| \. /g, (plain) => SIGNS[plain]);
  sketch("pooled", 4, chosen.source && READS[chosen.pooling]);
  for (const box of all("#curves input")) box.checked ||= box.value === chosen.name;
  for (const draw of [drawWalk, drawCurves, drawCalibration]) draw();
}
// The walk from the confusion matrix to the metrics: what a step marks, and what it says.
const SCORES = ["precision", "recall", "f1"];
const ratio = (part, rest) => `${part} / ${part + rest} = ${(part / Math.max(part + rest, 1)).toFixed(4)}`;
const STEPS = [
  ["tp", (s) => `True positives (TP): ${s.tp} texts of “${s.name}” are predicted as “${s.name}”.`],
  ["fp", (s) => `False positives (FP): ${s.fp} texts of other classes are predicted as “${s.name}”.`],
  ["fn", (s) => `False negatives (FN): ${s.fn} texts of “${s.name}” are predicted as another class.`],
  ["tp fp", (s) => `Precision, how many predicted as “${s.name}” are right: TP / (TP + FP) = ${ratio(s.tp, s.fp)}`],
  ["tp fn", (s) => `Recall, how many texts of “${s.name}” are found: TP / (TP + FN) = ${ratio(s.tp, s.fn)}`],
  ["tp fp fn", (s) => `F1, one number for both: 2 TP / (2 TP + FP + FN) = ${ratio(2 * s.tp, s.fp + s.fn)}`],
  ["", () => "Macro average: the mean over the classes, each with the same weight."],
];
function macroTable(classes) {
  const mean = (name) => sum(classes.map((each) => each[name])) / classes.length;
  const macro = { name: "macro average", precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
  const cells = (each) => SCORES.map((name) => node("td", {}, each[name].toFixed(4)));
  const own = SCORES.map((name) => chosen.mean[`macro_${name}`].toFixed(4)).join(", ");
  const note = `Counts are summed over ${chosen.seeds.length} seeds; the mean of each seed's macro averages is ${own}.`;
  const lines = [...classes, macro].map((each) => row("row", [each.name], cells(each)));
  const table = node("table", { id: "macro" }, row("col", ["class", "precision", "recall", "F1"]), ...lines);
  return chosen.seeds.length > 1 ? [table, node("p", { class: "faint" }, note)] : [table];
}
function drawWalk(steps = 0) {
  step = Math.min(Math.max(step + steps, 0), STEPS.length - 1);
  const [label, marks] = [one("#class").selectedIndex, STEPS[step][0].split(" ")];
  const lines = chosen.confusion_matrix.counts.map((line, r) => row("row", [page.labels[r]], line.map((count, c) => {
    const [isRow, isColumn, share] = [r === label, c === label, count / Math.max(sum(line), 1)];
    const mark = isRow && isColumn ? "tp" : isColumn ? "fp" : isRow ? "fn" : "";
    const look = `${marks.includes(mark) ? mark : ""} ${share > 0.75 ? "full" : ""}`;
    return node("td", { class: look, style: `--share: ${100 * share}%` }, String(count));
  })));
  one("#matrix").replaceChildren(row("col", ["true ↓ predicted →", ...page.labels]), ...lines);
  const classes = page.labels.map((name) => ({ name, ...chosen.per_class[name] }));
  const items = STEPS.slice(0, step + 1).map(([mark, text]) => node("li", { class: mark }, text(classes[label])));
  if (step === STEPS.length - 1) items.at(-1).append(...macroTable(classes));
  one("#steps").replaceChildren(...items);
  one("#step").textContent = `Step ${step + 1} of ${STEPS.length}`;
}
// Charts of lines, each with a name, a color and points [x, y, step]; pointer and arrow keys read values.
function scale(values, start, end, log) {
  let [low, high, ticks] = [Math.min(...values), Math.max(...values), [...new Set(values)]];
  if (!log) {
    if (low === high) [low, high] = [0.98 * low, 1.02 * high || 1];
    const steps = [0.1, 0.2, 0.5, 1].map((part) => part * 10 ** Math.ceil(Math.log10(high - low)));
    const step = steps.find((size) => (high - low) / size <= 5);
    low = Math.floor(low / step) * step;
    ticks = Array.from({ length: Math.ceil((high - low) / step) + 1 }, (_, number) => low + number * step);
    high = ticks.at(-1);
  }
  const at = (value) => (log ? Math.log(value / low) / (Math.log(high / low) || 1) : (value - low) / (high - low));
  return [(value) => start + (end - start) * at(value), ticks];
}
function chart(title, xLabel, lines, { log = false, xs = [], legend = [] } = {}) {
  const points = lines.flatMap((line) => line.points.map(([x, y, step]) => ({ line, x, y, step })));
  if (!points.length) return "";
  const [x, xTicks] = scale([...points.map((point) => point.x), ...xs], 46, 362, log);
  const [y, yTicks] = scale(points.map((point) => point.y), 198, 10);
  const text = (value) => String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
  const label = (x, y, anchor, content) => node("text", { x, y, "text-anchor": anchor }, content);
  points.sort((one, other) => one.x - other.x);
  const svg = node("svg", { viewBox: "0 0 380 236", role: "img", tabindex: 0, "aria-label": title });
  svg.append(...yTicks.map((tick) => node("path", { d: `M46 ${y(tick)}H362`, class: "grid" })));
  svg.append(...yTicks.map((tick) => label(40, y(tick) + 4, "end", text(tick))));
  svg.append(...xTicks.map((tick) => label(x(tick), 215, "middle", text(tick))), label(204, 232, "middle", xLabel));
  for (const { points, color, dash = "none", strong } of lines) {
    const places = points.map((point) => [x(point[0]).toFixed(1), y(point[1]).toFixed(1)]);
    const look = { stroke: color, "stroke-dasharray": dash, class: strong ? "strong" : "" };
    svg.append(node("path", { d: places.length ? `M${places.join("L")}` : "", ...look }));
    svg.append(...places.map(([cx, cy]) => node("circle", { cx, cy, r: places.length > 30 ? 1 : 2.5, fill: color })));
  }
  const marker = svg.appendChild(node("circle", { r: 0, class: "marker" }));
  const output = node("output", {}, "\u00a0");
  let current = 0;
  const read = (number) => {
    current = Math.min(Math.max(number, 0), points.length - 1);
    const point = points[current];
    for (const [key, value] of [["cx", x(point.x)], ["cy", y(point.y)], ["r", 5]]) marker.setAttribute(key, value);
    const step = point.step ? ` (step ${point.step})` : "";
    output.textContent = `${point.line.name}, ${xLabel} ${text(point.x)}${step}: ${text(point.y)}`;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top].map((size) => (size / box.width) * 380);
    const distances = points.map((point) => Math.hypot(x(point.x) - left, y(point.y) - top));
    read(distances.indexOf(Math.min(...distances)));
  });
  svg.addEventListener("focus", () => read(current));
  svg.addEventListener("keydown", (event) => ARROWS[event.key] && read(current + ARROWS[event.key]));
  return node("figure", {}, node("figcaption", {}, title, ...legend.map(key)), svg, output);
}
const NAMES = [...new Set([...page.configurations, ...page.curves].map((each) => each.name).concat(Object.keys(page.by_rows)))];
const color = (name) => `var(--line-${NAMES.indexOf(name) % 7})`;
const dash = (name) => (NAMES.indexOf(name) < 7 ? "none" : "5 3");
const key = (name) =>
  node("span", { class: dash(name) === "none" ? "key" : "key dashed", style: `--color: ${color(name)}` }, name);
const CHARTS = { loss: "Training loss", eval_log_loss: "Validation log loss", eval_accuracy: "Validation accuracy" };
function drawCurves() {
  const shown = all("#shown input:checked").map((box) => box.value);
  const curves = page.curves.filter((curve) => shown.includes(curve.name));
  const lineOf = (name, points, seed = "") =>
    ({ name: name + seed, color: color(name), dash: dash(name), strong: name === chosen.name, points });
  const xs = [0, ...curves.flatMap((curve) => curve.loss.map((point) => point[0]))];
  const figures = Object.entries(CHARTS).map(([kind, title]) =>
    chart(title, "epoch", curves.map((curve) => lineOf(curve.name, curve[kind], `, seed ${curve.seed}`)), { xs }));
  const byRows = Object.entries(page.by_rows).map(([name, points]) => lineOf(name, points));
  const legend = Object.keys(page.by_rows);
  one("#charts").replaceChildren(...figures, chart("Accuracy by training rows", "rows", byRows, { log: true, legend }));
}
function drawCalibration() {
  const perfect = { name: "perfect calibration", color: "var(--faint)", dash: "4 3", points: [[0, 0], [1, 1]] };
  const points = (chosen.reliability ?? []).map((bin) => [bin.confidence, bin.accuracy]);
  const line = { name: chosen.name, color: "var(--accent)", strong: true, points };
  one("#reliability").replaceChildren(chart(`Accuracy by confidence: ${chosen.name}`, "confidence", [perfect, line]));
}
// Sorting (numbers by size, other text by alphabet: NaN is falsy; empty cells last), copying, choosing.
for (const head of all(".sortable thead th")) head.append(node("button", { type: "button" }, ...head.childNodes));
on(all(".sortable thead button"), "click", ({ parentElement: head }) => {
  const [table, descending] = [head.closest("table"), head.getAttribute("aria-sort") === "ascending"];
  for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const value = ({ cells }) => cells[head.cellIndex].dataset.value ?? cells[head.cellIndex].textContent;
  const order = (a, b) => !a - !b || (a - b || a.localeCompare(b)) * (descending ? -1 : 1);
  const rows = [...table.tBodies[0].rows].sort((a, b) => order(value(a), value(b)));
  table.tBodies[0].append(...rows);
});
on(all("[data-copy]"), "click", async (button) => {
  const code = button.nextElementSibling;
  getSelection().selectAllChildren(code);
  await navigator.clipboard.writeText(code.textContent);
  button.textContent = "Copied";
});
on(CHOICES, "click", (place) => {
  const [[kind, value]] = Object.entries(place.dataset);
  const having = page.configurations.filter((each) => each[kind] === value);
  const near = having.find((each) => each.encoder === chosen.encoder || each.pooling === chosen.pooling);
  choose(having.includes(chosen) ? chosen : (near ?? having[0]));
});
one("#class").append(...page.labels.map((name) => node("option", {}, name)));
one("#class").addEventListener("change", () => drawWalk());
one("#previous").addEventListener("click", () => drawWalk(-1));
one("#next").addEventListener("click", () => drawWalk(1));
one("#walk").addEventListener("keydown", (event) => {
  if (ARROWS[event.key] && !event.target.matches("select, .scroll")) drawWalk(ARROWS[event.key]);
});
const trained = new Set(page.curves.filter((curve) => curve.loss.length).map((curve) => curve.name));
for (const value of trained) {
  const box = node("input", { type: "checkbox", value });
  box.checked = page.configurations.some((each) => each.name === value);
  box.addEventListener("change", drawCurves);
  one("#shown").append(node("label", {}, box, key(value)));
}
const untrained = NAMES.filter((name) => page.curves.some((curve) => curve.name === name) && !trained.has(name));
if (untrained.length) one("#untrained").textContent = `No training steps: ${untrained.join(", ")}.`;
for (const part of all("[hidden]")) part.hidden = false;
for (const [name, dimensions] of [["tokens", 1], ["encoded", 4]]) sketch(name, dimensions, even(0.5));
choose(page.configurations.find((each) => !each.baseline) ?? page.configurations[0]);
addEventListener("beforeprint", () => {
  for (const details of all("details")) details.open = true;
  drawWalk(STEPS.length);
});
