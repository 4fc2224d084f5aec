// The leaderboard: one metric at a time, a column for each retriever, reference systems below.
const metricNow = () => (Object.hasOwn(board.metrics, state.get("m")) ? state.get("m") : board.metric);
const retrieverKeys = board.retrievers.map((retriever) => retriever.key);
const shownRetrievers = () => {
  const one = retrieverKeys.indexOf(state.get("r"));
  return one < 0 ? retrieverKeys.map((_, i) => i) : [one];
};
const sortNow = () => {
  const [key, order] = (state.get("s") ?? "").split(":");
  const column = retrieverKeys.indexOf(key);
  return shownRetrievers().includes(column) && ["descending", "ascending"].includes(order) ? { column, order } : null;
};
const score = (system, retriever) => board.cells[metricNow()][system][retriever];
const inOrder = () => {
  const { column, order } = sortNow() ?? { column: shownRetrievers()[0], order: "descending" };
  const sign = order === "ascending" ? 1 : -1;
  const value = (system) => score(system, column)?.[0] ?? NaN;
  return [...ranked].sort((a, b) => compareNumbers(value(a), value(b), sign));
};
const points = (value) => value.toFixed(1);
const bar = ([value, low, high], top, colour) => {
  const track = make("span", undefined, { class: "bar", "aria-hidden": "true" });
  const [fill, whisker] = [make("span", undefined, { class: "fill" }), make("span", undefined, { class: "whisker" })];
  fill.style.width = `${(100 * value) / top}%`;
  fill.style.background = colour;
  track.append(fill);
  if (low !== null) {
    whisker.style.left = `${(100 * low) / top}%`;
    whisker.style.width = `${(100 * (high - low)) / top}%`;
    track.append(whisker);
  }
  return track;
};
const sharesGroup = (letters, others) => letters.split(" ").some((letter) => letter && others.split(" ").includes(letter));
// the highest and those below it down to the first that is significantly different; none where all would be
const leadersOf = (retriever) => {
  const order = ranked.filter((system) => score(system, retriever));
  order.sort((a, b) => score(b, retriever)[0] - score(a, retriever)[0]);
  const letters = order.length ? score(order[0], retriever)[3] : "";
  const end = order.findIndex((system) => !sharesGroup(score(system, retriever)[3], letters));
  return new Set(order.slice(0, Math.max(0, end)));
};
const scoreCell = (system, retriever, top, best) => {
  const of = score(system, retriever);
  if (!of) return make("td", "–", { class: "number" });
  const [value, low, high, letters, n, worst, tieBest] = of;
  const cell = make("td", undefined, { class: "number score" });
  const ties = worst === null || worst === tieBest ? "" : `; by the order of ties ${points(worst)} to ${points(tieBest)}`;
  cell.title = `n = ${n.toLocaleString("en")}${ties}`;
  const { key, label } = systems[system];
  const name = board.retrievers[retriever].label;
  const value_ = make("a", points(value), {
    href: link({ f: "missed", a: key, fr: retrieverKeys[retriever], q: "", w: "" }),
    "aria-label": `${points(value)}: queries that ${label} misses with ${name}`,
  });
  if (best.has(system)) value_.classList.add("best");
  cell.append(value_);
  if (letters) cell.append(" ", make("span", letters.replaceAll(" ", ""), { class: "letters", title: "group" }));
  if (low !== null) cell.append(make("small", `${points(low)} – ${points(high)}`));
  cell.append(bar(of, top, systems[system].colour));
  return cell;
};
const duplicateShare = 0.25;
const nameCell = (system, inBoard) => {
  const { label, colour, duplicates } = systems[system];
  const cell = make("th", undefined, { scope: "row" });
  const swatch = make("span", undefined, { class: "swatch", "aria-hidden": "true" });
  swatch.style.background = colour;
  cell.append(swatch, label);
  if (inBoard && duplicates >= duplicateShare) cell.append(make("small", `${Math.round(100 * duplicates)} % duplicate summaries`, { class: "caution" }));
  return cell;
};
const sortHead = (retriever) => {
  const head = make("th", undefined, { scope: "col", class: "number" });
  const button = make("button", board.retrievers[retriever].label, { type: "button" });
  const now = sortNow();
  if (now?.column === retriever) head.setAttribute("aria-sort", now.order);
  button.addEventListener("click", () => {
    const order = nextOrder(head);
    set({ s: order ? `${retrieverKeys[retriever]}:${order}` : "" });
    showBoard();
    byId("board").querySelectorAll("thead button")[shownRetrievers().indexOf(retriever)].focus();
  });
  head.append(button);
  return head;
};
const bodyOf = (name, list, columns, top, best) => {
  const body = make("tbody", undefined, { class: name });
  for (const system of list) {
    const row = make("tr");
    const { seconds } = systems[system];
    const cost = make("td", seconds === null ? "–" : seconds.toLocaleString("en", { maximumSignificantDigits: 3, minimumSignificantDigits: 3 }), { class: "seconds" });
    row.append(nameCell(system, true), ...columns.map((retriever, i) => scoreCell(system, retriever, top, best[i])), cost);
    body.append(row);
  }
  return body;
};
const boardNote = () => {
  const references = systems.filter((system) => system.reference).map((system) => system.label);
  const letters = board.cells[metricNow()]?.some((row) => row.some((cell) => cell?.[3]));
  return [
    `${metricNow()}: ${board.metrics[metricNow()]}. Scores ×100 with 95 % intervals.`,
    letters ? "Within a column, systems that share a letter are not significantly different. Bold: the highest and those below it down to the first that is significantly different." : "",
    references.length ? `${references.join(" and ")}: reference points, shown but not ranked.` : "",
    "Select a score to see the queries that were missed.",
  ].filter(Boolean).join(" ");
};
const showBoard = () => {
  if (!board.metric) return;
  const columns = shownRetrievers();
  const references = systems.flatMap((system, i) => (system.reference ? [i] : []));
  const cells = systems.flatMap((_, system) => columns.flatMap((retriever) => score(system, retriever) ?? []));
  const top = Math.max(1, ...systems.flatMap((_, system) => columns.map((r) => score(system, r)?.[2] ?? score(system, r)?.[0] ?? 0)));
  const best = columns.map(leadersOf);
  const table = make("table", undefined, { id: "board-table" });
  const sorted = sortNow() ?? { column: columns[0], order: "descending" };
  const by = `sorted by ${board.retrievers[sorted.column].label}, ${sorted.order}`;
  table.append(make("caption", `${metricNow()} of ${systems.length} systems, ${by}`));
  const heads = make("tr");
  heads.append(make("th", "System", { scope: "col" }), ...columns.map(sortHead), make("th", "Seconds per 1,000 summaries", { scope: "col", class: "number seconds" }));
  const head = make("thead");
  head.append(heads);
  table.append(head, bodyOf("ranked", inOrder(), columns, top, best));
  if (references.length && cells.length) table.append(bodyOf("references", references, columns, top, best));
  byId("board").replaceChildren(table);
  byId("board-note").textContent = boardNote();
  byId("metric").value = metricNow();
  byId("retrievers").querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", button.dataset.key === (retrieverKeys.includes(state.get("r")) ? state.get("r") : ""));
  });
};
options(byId("metric"), Object.keys(board.metrics).map((name) => [name, name]));
byId("metric").addEventListener("change", (event) => { set({ m: event.target.value }); showBoard(); });
const choices = board.retrievers.length > 1 ? [{ key: "", label: "All retrievers" }, ...board.retrievers] : [];
byId("retrievers").append(...choices.map(({ key, label }) => {
  const button = make("button", label, { type: "button", "data-key": key });
  button.addEventListener("click", () => { set({ r: key }); showBoard(); });
  return button;
}));
views.push(showBoard);
