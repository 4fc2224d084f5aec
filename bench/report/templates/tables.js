// Tables that sort inside their blocks, and show the interval of a number.
const number = (row, column) => Number(row.cells[column].dataset.number ?? "NaN");
const isLabel = (row, column) => row.cells[column].matches("th, .label");
const compareNumbers = (a, b, sign) => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b); // empty ones last
  return sign * (a - b);
};
const compareRows = (column, sign) => (one, other) => (isLabel(one, column)
  ? sign * one.cells[column].textContent.localeCompare(other.cells[column].textContent)
  : compareNumbers(number(one, column), number(other, column), sign));
// first click: best first; second: the other way; third: as the table was
const nextOrder = (head) => {
  const orders = head.classList.contains("number") ? ["descending", "ascending", null] : ["ascending", "descending", null];
  return orders[(orders.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
};
const blocksOf = (rows, labels) => {
  const blocks = new Map();
  for (const row of rows) {
    const block = labels > 1 ? row.cells[0].textContent : "";
    blocks.set(block, [...(blocks.get(block) ?? []), row]);
  }
  return [...blocks.values()];
};
const sortTable = (table, column, original) => {
  const heads = [...table.tHead.rows[0].cells];
  const labels = heads.filter((head) => !head.classList.contains("number")).length;
  const order = nextOrder(heads[column]);
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  if (order) heads[column].setAttribute("aria-sort", order);
  const sort = (rows) => (order ? [...rows].sort(compareRows(column, order === "ascending" ? 1 : -1)) : rows);
  table.tBodies[0].append(...blocksOf(original, labels).flatMap(sort));
};
const arrows = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
const neighbour = (cell, [down, right]) => {
  let row = cell.parentElement;
  if (down) row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
  return row?.cells[cell.cellIndex + right];
};
const showDetails = (table) => {
  const cells = [...table.querySelectorAll("td[data-detail]")];
  if (!cells.length) return;
  const line = byId(`detail-${table.id}`);
  const show = (cell) => { line.textContent = cell.dataset.detail; };
  table.setAttribute("role", "grid");
  cells.forEach((cell, i) => { cell.tabIndex = i ? -1 : 0; });
  table.addEventListener("mouseover", (event) => {
    const cell = event.target.closest("td[data-detail]");
    if (cell) show(cell);
  });
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td[data-detail]");
    if (!cell) return;
    cells.forEach((other) => { other.tabIndex = -1; });
    cell.tabIndex = 0; // where Tab comes back to
    show(cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[data-detail]");
    if (!cell || !arrows[event.key]) return;
    event.preventDefault();
    const next = neighbour(cell, arrows[event.key]);
    if (next?.dataset.detail) next.focus();
  });
};
for (const table of document.querySelectorAll("table.sortable")) {
  const original = [...table.tBodies[0].rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => sortTable(table, column, original));
  });
  showDetails(table);
}
