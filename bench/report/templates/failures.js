// Queries by how the systems did on them, with what was returned first instead.
const shown = data.failures;
const near = 10; // found: among the first 10
const beyond = shown.depth + 1;
const retrieverLabels = board.retrievers.map((retriever) => retriever.label);
const transcript = systems.findIndex((system) => system.reference && system.key.split("@")[0] === "transcript");
const indexOf = (key, otherwise) => {
  const place = systems.findIndex((system) => system.key === key);
  return place < 0 ? otherwise : place;
};
const leaders = () => {
  const value = (system) => board.cells[board.metric]?.[system][0]?.[0] ?? -1;
  return [...ranked].sort((a, b) => value(b) - value(a));
};
const chosen = () => {
  const [first = 0, second = first] = leaders();
  return {
    preset: Object.hasOwn(presets, state.get("f")) ? state.get("f") : firstPreset(),
    a: indexOf(state.get("a"), first),
    b: indexOf(state.get("b"), transcript < 0 ? second : transcript),
    retriever: Math.max(0, retrieverKeys.indexOf(state.get("fr"))),
  };
};
const cellOf = (system, retriever) => shown.cells[`${system}.${retriever}`];
const rank = (system, retriever, query) => cellOf(system, retriever)?.[query][0] || beyond;
const found = (system, retriever, query) => rank(system, retriever, query) <= near;
const others = (system, retriever) => systems.flatMap((_, i) => (i !== system && cellOf(i, retriever) ? [i] : []));
const bestOf = (list, retriever, query) => Math.min(beyond, ...list.map((system) => rank(system, retriever, query)));
// for each preset: its label, whether a query belongs to it, and the gap by which its queries are sorted
const presets = {
  ...(transcript < 0 ? {} : {
    lost: {
      label: "found with the transcript, lost in the summary", uses: "a",
      has: (q, { a, retriever: r }) => found(transcript, r, q) && !found(a, r, q),
      gap: (q, { a, retriever: r }) => rank(a, r, q) - rank(transcript, r, q),
    },
  }),
  missed: {
    label: "missed by the system", uses: "a",
    has: (q, { a, retriever: r }) => !found(a, r, q),
    gap: (q, { a, retriever: r }) => rank(a, r, q) - bestOf(others(a, r), r, q),
  },
  beats: {
    label: "found by the system, not by the other", uses: "ab",
    has: (q, { a, b, retriever: r }) => found(a, r, q) && !found(b, r, q),
    gap: (q, { a, b, retriever: r }) => rank(b, r, q) - rank(a, r, q),
  },
  none: {
    label: "found by no ranked system", uses: "",
    has: (q, { retriever: r }) => ranked.every((system) => !found(system, r, q)),
    gap: (q, { retriever: r }) => bestOf(ranked, r, q) - (transcript < 0 ? 0 : rank(transcript, r, q)),
  },
  ties: {
    label: "rank decided by ties", uses: "a",
    has: (q, { a, retriever: r }) => Boolean(cellOf(a, r)?.[q][1]),
    gap: (q, { a, retriever: r }) => -rank(a, r, q),
  },
  all: { label: "all", uses: "a", has: () => true, gap: (q, { a, retriever: r }) => rank(a, r, q) },
};
// the first group that has queries, for the best system
const firstPreset = () => {
  const now = { a: leaders()[0] ?? 0, b: leaders()[1] ?? 0, retriever: Math.max(0, retrieverKeys.indexOf(state.get("fr"))) };
  return Object.keys(presets).find((name) => shown.queries.some((_, q) => presets[name].has(q, now)));
};
const rankText = (place) => (place <= shown.depth ? `rank ${place}` : `not in the first ${shown.depth}`);

// ---- marking the words of the query ----
const stops = new Set("a an and are as at be by for from how i in is it my of on or the this that to with you your what".split(" "));
const stem = (word) => (word.length > 4 ? word.toLowerCase().replace(/(ing|ed|es|s)$/u, "") : word.toLowerCase());
const wordsOf = (text) => text.match(/\p{Script=Han}|[\p{L}\p{N}]+/gu) ?? [];
const marked = (text, wanted) => {
  const parts = text.split(/(\p{Script=Han}|[\p{L}\p{N}]+)/u);
  return parts.filter(Boolean).map((part) => (wanted.has(stem(part)) ? make("mark", part) : part));
};
const stemsOf = (text) => new Set(wordsOf(text).filter((word) => !stops.has(word.toLowerCase())).map(stem));

// ---- one query ----
const textOf = (system, video) => shown.texts[system][video] || "(empty)";
const results = (system, query, now, wanted) => {
  const [, , ...videos] = cellOf(system, now.retriever)[query];
  const relevant = shown.queries[query][3];
  const list = make("ol", undefined, { class: "results" });
  for (const video of videos) {
    const item = make("li", undefined, relevant.includes(video) ? { class: "relevant" } : {});
    item.append(make("b", shown.videos[video]), relevant.includes(video) ? " (relevant): " : ": ", ...marked(textOf(system, video), wanted));
    list.append(item);
  }
  return videos.length ? list : make("p", "nothing was returned");
};
const systemRow = (system, query, now, wanted) => {
  const row = make("tr", undefined, systems[system].reference ? { class: "reference" } : {});
  const place = rank(system, now.retriever, query);
  const tied = cellOf(system, now.retriever)[query][1] ? " (tied)" : "";
  const summary = make("td", undefined, { "data-label": "Summary" });
  shown.queries[query][3].forEach((video) => {
    const line = make("p");
    line.append(...marked(textOf(system, video), wanted));
    summary.append(line);
  });
  const first = make("td", undefined, { "data-label": "Returned first" });
  first.append(results(system, query, now, wanted));
  row.append(nameCell(system), make("td", rankText(place) + tied, { "data-label": "Rank", class: place <= near ? "found" : "missed" }), summary, first);
  return row;
};
let othersOpen = false;
const systemTable = (name, list, query, now, wanted) => {
  const table = make("table", undefined, { class: "cards" });
  table.append(make("caption", name));
  const [top, heads, body] = [make("thead"), make("tr"), make("tbody")];
  ["System", "Rank", "Summary of the relevant video", "Returned first"].forEach((head) => heads.append(make("th", head, { scope: "col" })));
  top.append(heads);
  body.append(...list.map((system) => systemRow(system, query, now, wanted)));
  table.append(top, body);
  const box = make("div", undefined, { class: "scroll", tabindex: "0", role: "region", "aria-label": `${name} on this query` });
  box.append(table);
  return box;
};
// first the systems that the preset is about and the reference systems, then the others
const inView = (now) => {
  const first = presets[now.preset].uses.includes("b") ? [now.a, now.b] : presets[now.preset].uses.includes("a") ? [now.a] : [];
  const references = systems.flatMap((system, i) => (system.reference ? [i] : []));
  const about = [...new Set([...first, ...references])].filter((system) => cellOf(system, now.retriever));
  return [about, ranked.filter((system) => !about.includes(system) && cellOf(system, now.retriever))];
};
const example = byId("example");
const showQuery = (query) => {
  const now = chosen();
  const [id, text, relevant, videos] = shown.queries[query];
  const wanted = stemsOf(text);
  const facts = make("p", `Query ${id} · ${relevant} relevant video${relevant === 1 ? "" : "s"} · `, { class: "note" });
  facts.append(make("a", "link to this query", { href: link({ q: id, f: now.preset, a: systems[now.a].key, fr: retrieverKeys[now.retriever] }) }));
  const parts = [make("h3", text), facts];
  for (const video of videos) {
    const references = shown.references[video].filter((reference) => reference !== text);
    const line = make("p", undefined, { class: "note" });
    const name = `Video ${shown.videos[video]}`;
    const address = shown.links[video];
    const watch = { href: address, rel: "noopener noreferrer", target: "_blank" };
    line.append(address ? make("a", name, watch) : make("b", name), references.length ? `: other queries for it: ${references.join(" · ")}` : "");
    parts.push(line);
  }
  const [first, rest] = inView(now);
  parts.push(systemTable(`With ${retrieverLabels[now.retriever]}; words of the query are marked`, first, query, now, wanted));
  if (rest.length) {
    const more = make("details", undefined, othersOpen ? { open: "" } : {});
    more.append(make("summary", `The other ${rest.length} systems`), systemTable("Other systems", rest, query, now, wanted));
    more.addEventListener("toggle", () => { othersOpen = more.open; });
    parts.push(more);
  }
  example.replaceChildren(...parts);
};

// ---- the list ----
const page = 50;
let limit = page;
const haystack = shown.queries.map(([id, text, , videos]) => [id, text, ...videos.map((video) => shown.videos[video])].join(" ").toLowerCase());
const hitsOf = (now) => {
  const wanted = (state.get("w") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const preset = presets[now.preset];
  const list = shown.queries.flatMap((_, q) => (wanted.every((word) => haystack[q].includes(word)) && preset.has(q, now) ? [q] : []));
  const gaps = new Map(list.map((q) => [q, preset.gap(q, now)]));
  return list.sort((a, b) => gaps.get(b) - gaps.get(a) || a - b);
};
const brief = (query, now) => {
  const list = presets[now.preset].uses === "ab" ? [now.a, now.b] : now.preset === "lost" ? [now.a, transcript] : [now.a];
  return list.map((system) => `${systems[system].label}: ${rankText(rank(system, now.retriever, query))}`).join(" · ");
};
const select = (query, focus) => {
  byId("list").querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", Number(button.dataset.query) === query);
  });
  showQuery(query);
  if (focus) set({ q: shown.queries[query][0] });
};
const showFailures = () => {
  if (!shown.queries.length || !retrieverKeys.length) return;
  const now = chosen();
  const hits = hitsOf(now);
  byId("preset").value = now.preset;
  byId("system-a").value = systems[now.a].key;
  byId("system-b").value = systems[now.b].key;
  byId("retriever").value = retrieverKeys[now.retriever];
  byId("words").value = state.get("w") ?? "";
  byId("label-a").hidden = !presets[now.preset].uses.includes("a");
  byId("label-b").hidden = !presets[now.preset].uses.includes("b");
  byId("count").textContent = `${hits.length} of ${shown.queries.length} queries, by the difference in rank${hits.length > limit ? `; the first ${limit}` : ""}.`;
  byId("more").hidden = hits.length <= limit;
  byId("list").replaceChildren(...hits.slice(0, limit).map((query) => {
    const button = make("button", shown.queries[query][1], { type: "button", "aria-pressed": "false", "data-query": query });
    button.append(make("small", brief(query, now)));
    button.addEventListener("click", () => select(query, true));
    const item = make("li");
    item.append(button);
    return item;
  }));
  const named = shown.queries.findIndex(([id]) => id === state.get("q"));
  const query = named >= 0 ? named : hits[0];
  if (query === undefined) example.replaceChildren(make("p", "No query matches: choose another group of queries, or other words."));
  else select(query, false);
};
const onChange = (id, name) => byId(id).addEventListener("input", (event) => {
  limit = page;
  set({ [name]: event.target.value, q: "" });
  showFailures();
});
options(byId("preset"), Object.entries(presets).map(([name, { label }]) => [name, label]));
options(byId("system-a"), systems.map(({ key, label }) => [key, label]));
options(byId("system-b"), systems.map(({ key, label }) => [key, label]));
options(byId("retriever"), board.retrievers.map(({ key, label }) => [key, label]));
Object.entries({ preset: "f", "system-a": "a", "system-b": "b", retriever: "fr", words: "w" }).forEach((pair) => onChange(...pair));
byId("label-r").hidden = retrieverKeys.length < 2;
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("board-controls").addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => { limit += page; showFailures(); });
views.push(showFailures);
