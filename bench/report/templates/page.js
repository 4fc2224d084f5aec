"use strict";
// Tables that sort and tell, plots by Vega-Lite, examples to search. Texts enter by textContent alone.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  // ---- tables -------------------------------------------------------------------------------
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.matches("th, .label") ? cell.textContent : Number(cell.dataset.number ?? "NaN");
  };
  const compare = (a, b, sign) => {
    if (typeof a === "string") return sign * a.localeCompare(b);
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b); // empty ones last
    return sign * (a - b);
  };
  const sort = (table, column) => {
    const heads = [...table.tHead.rows[0].cells];
    const first = heads[column].classList.contains("number") ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const order = heads[column].getAttribute("aria-sort") === first ? other : first;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => compare(key(a, column), key(b, column), sign));
    table.tBodies[0].append(...rows);
  };
  const arrows = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const move = (cell, [down, right]) => {
    let row = cell.parentElement;
    if (down) row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    return row?.cells[cell.cellIndex + right];
  };
  const tell = (table) => {
    const cells = [...table.querySelectorAll("td[data-detail]")];
    if (!cells.length) return;
    const place = document.getElementById(`detail-${table.id}`);
    const show = (cell) => { place.textContent = cell.dataset.detail; };
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
      const next = move(cell, arrows[event.key]);
      if (next?.dataset.detail) next.focus();
    });
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => sort(table, column));
    });
    tell(table);
  }

  // ---- plots --------------------------------------------------------------------------------
  const specs = read("specs");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = () => {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const [ink, line] = [colour("--ink"), colour("--line")];
    const words = { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 12 };
    return {
      background: null, font: "system-ui, sans-serif",
      axis: { ...words, gridColor: line, domainColor: ink, tickColor: ink, labelLimit: 140 },
      legend: { ...words, columnPadding: 12, symbolBaseFillColor: ink, symbolBaseStrokeColor: ink, symbolOpacity: 1 },
      title: { color: ink }, view: { stroke: line },
    };
  };
  const fitting = (spec, width) => {
    const columns = Math.max(1, Math.min(3, Math.floor(width / 160)));
    return JSON.parse(JSON.stringify(spec, (name, value) =>
      name === "legend" && value ? { ...value, columns } : value));
  };
  const draw = async () => {
    for (const place of document.querySelectorAll(".plot")) {
      const spec = fitting(specs[place.dataset.plot], place.clientWidth);
      place.dataset.state = "drawing";
      await vegaEmbed(place, spec, { actions: false, ast: true, renderer: "svg", config: config() });
      place.dataset.state = "drawn";
    }
    document.documentElement.dataset.plots = "drawn";
  };
  const numbers = (rows) => {
    const table = make("table");
    const names = Object.keys(rows[0]);
    const head = make("tr");
    names.forEach((name) => head.append(make("th", name, { scope: "col" })));
    const body = rows.slice(0, 500).map((row) => {
      const line = make("tr");
      names.forEach((name) => line.append(make("td", row[name] ?? "")));
      return line;
    });
    const tops = make("thead");
    tops.append(head);
    const rest = make("tbody");
    rest.append(...body);
    table.append(tops, rest);
    return table;
  };
  for (const details of document.querySelectorAll("details.data")) {
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const box = make("div", undefined, { tabindex: "0", role: "region", "aria-label": `Numbers: ${specs[details.dataset.plot].description}` });
      box.append(numbers(specs[details.dataset.plot].data.values));
      details.append(box);
    });
  }
  dark.addEventListener("change", draw);
  draw();

  // ---- examples -----------------------------------------------------------------------------
  const data = read("data");
  const most = 50;
  const [words, found, count, example] = ["words", "found", "count", "example"].map((id) => document.getElementById(id));
  const place = new Map(data.videos.map((video, i) => [video.id, i]));
  const kind = () => document.querySelector("input[name=kind]:checked").value;
  const texts = {
    queries: data.queries.map((query) => `${query.id} ${query.text}`.toLowerCase()),
    videos: data.videos.map((video, i) =>
      [video.id, ...video.references, ...data.systems.map((system) => system.summaries[i])].join(" ").toLowerCase()),
  };
  const grid = (heads, rows, name) => {
    const box = make("div", undefined, { class: "scroll", tabindex: "0", role: "region", "aria-label": name });
    const [table, top, body, line] = [make("table"), make("thead"), make("tbody"), make("tr")];
    table.append(make("caption", name));
    heads.forEach((head) => line.append(make("th", head, { scope: "col" })));
    top.append(line);
    rows.forEach(([first, ...rest]) => {
      const row = make("tr");
      row.append(make("th", first, { scope: "row" }));
      rest.forEach((value) => row.append(make("td", value)));
      body.append(row);
    });
    table.append(top, body);
    box.append(table);
    return box;
  };
  const list = (title, items) => {
    const parts = [make("h4", title), make("ul")];
    items.forEach((item) => parts[1].append(make("li", item)));
    return items.length ? parts : [];
  };
  const retrievers = [...new Set(data.ranks.map((cell) => cell.retriever))];
  const rankOf = (system, retriever, query, video) => {
    const cell = data.ranks.find((one) => one.system === system && one.retriever === retriever);
    return cell ? String(cell.ranks[query][video] || "not found") : "";
  };
  const video = (number, query, at) => {
    const rows = data.systems.map((system) => [
      system.label,
      ...(query === undefined ? [] : retrievers.map((name) => rankOf(system.label, name, query, at))),
      system.summaries[number] || "(empty)",
    ]);
    const heads = ["Model", ...(query === undefined ? [] : retrievers.map((name) => `Rank, ${name}`)), "Summary"];
    return grid(heads, rows, `Video ${data.videos[number].id}`);
  };
  const showQuery = (number) => {
    const query = data.queries[number];
    const parts = [make("h3", query.text), make("p", `Query ${query.id}, ${query.relevant} relevant`)];
    query.videos.forEach((id, at) => {
      parts.push(video(place.get(id), number, at), ...list("References", data.videos[place.get(id)].references));
    });
    return parts;
  };
  const showVideo = (number) => {
    const { id, references } = data.videos[number];
    const asked = data.queries.map((query, i) => [query, i]).filter(([query]) => query.videos.includes(id));
    const parts = [make("h3", `Video ${id}`), ...list("References", references)];
    asked.forEach(([query, i]) => {
      parts.push(make("h4", `Asked: ${query.text}`), video(number, i, query.videos.indexOf(id)));
    });
    return asked.length ? parts : [...parts, video(number)];
  };
  const choose = (button, number) => {
    found.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", other === button));
    example.replaceChildren(...(kind() === "queries" ? showQuery(number) : showVideo(number)));
  };
  const search = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = [];
    texts[kind()].forEach((text, i) => { if (wanted.every((word) => text.includes(word))) hits.push(i); });
    const shown = hits.length > most ? `, the first ${most} shown` : "";
    count.textContent = `${hits.length} ${kind()} found${shown}.`;
    found.replaceChildren(...hits.slice(0, most).map((number) => {
      const item = make("li");
      const one = data[kind()][number];
      const button = make("button", one.text ?? one.references[0] ?? "(no reference)", { type: "button", "aria-pressed": "false" });
      button.append(make("small", one.id));
      button.addEventListener("click", () => choose(button, number));
      item.append(button);
      return item;
    }));
    example.replaceChildren();
    found.querySelector("button")?.click();
  };
  document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("input", search);
  document.querySelectorAll("input[name=kind]").forEach((radio) => radio.addEventListener("change", search));
  search();
})();
