// Plots by Vega-Lite, drawn when they come into view; one legend for all, in which a system can be selected.
const specs = read("specs");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map(); // place → Vega's view
const config = () => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [ink, line] = [colour("--ink"), colour("--line")];
  const words = { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 12 };
  return {
    background: null, font: "system-ui, sans-serif",
    axis: { ...words, gridColor: line, domainColor: ink, tickColor: ink, labelLimit: 150 },
    legend: { ...words, columnPadding: 12, symbolBaseFillColor: ink, symbolBaseStrokeColor: ink, symbolOpacity: 1 },
    title: { color: ink }, text: { color: ink }, view: { stroke: line },
  };
};
const fitting = (spec, width) => {
  const columns = Math.max(1, Math.min(3, Math.floor(width / 160)));
  return JSON.parse(JSON.stringify(spec, (name, value) => {
    if (value?.field === "series" && value.legend) return { ...value, legend: null }; // the page has its own
    return name === "legend" && value ? { ...value, columns } : value;
  }));
};
const draw = async (place) => {
  if (place.dataset.state) return;
  place.dataset.state = "drawing";
  const spec = fitting(specs[place.dataset.plot], place.clientWidth);
  const { view } = await vegaEmbed(place, spec, {
    actions: false, ast: true, renderer: "svg", config: config(),
    tooltip: { theme: dark.matches ? "dark" : "light" },
  });
  drawn.set(place, view);
  await focusOn(view, place);
  place.dataset.state = "drawn";
};
const focusNow = () => systems.find((system) => system.key === state.get("l"))?.label ?? "";
// over several runs a history has one series for each generator, without the name of the run
const focusOn = (view, place) => view.signal("focus", place.dataset.plot === "history" ? focusNow().split(" · ")[0] : focusNow()).runAsync();
const places = [...document.querySelectorAll(".plot")];
const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (entry.isIntersecting) draw(entry.target);
}), { rootMargin: "200px" });
places.forEach((place) => watcher.observe(place));
dark.addEventListener("change", () => {
  places.filter((place) => place.dataset.state).forEach((place) => { delete place.dataset.state; draw(place); });
});
window.addEventListener("beforeprint", () => {
  document.querySelectorAll(".cautions").forEach((caution) => { caution.open = true; });
  places.filter((place) => place.offsetParent).forEach(draw);
});

// the systems of a section's plots; over several runs a history names them without the run
const drawnIn = (section) => {
  const rows = [...section.querySelectorAll(".plot")].flatMap((place) => specs[place.dataset.plot].data.values);
  const labels = new Set(rows.map((row) => row.series));
  return systems.filter(({ label }) => labels.has(label) || labels.has(label.split(" · ")[0]));
};
const legendOf = (place) => {
  place.replaceChildren(...drawnIn(place.parentElement).map(({ key, label, colour, reference }) => {
    const button = make("button", undefined, { type: "button", "data-key": key, "aria-pressed": "false" });
    const swatch = make("span", undefined, { class: reference ? "swatch dashed" : "swatch", "aria-hidden": "true" });
    swatch.style.background = colour;
    button.append(swatch, label);
    button.addEventListener("click", () => {
      set({ l: state.get("l") === key ? "" : key });
      showFocus();
    });
    return button;
  }));
};
const showFocus = () => {
  document.querySelectorAll(".legend button").forEach((button) => {
    button.setAttribute("aria-pressed", button.dataset.key === state.get("l"));
  });
  drawn.forEach(focusOn);
};
document.querySelectorAll("section > .legend").forEach(legendOf);
views.push(showFocus);

const columnNames = {
  series: "system", value: "score", low: "95 % from", high: "95 % to", x: "over", x_low: "over, 95 % from",
  x_high: "over, 95 % to", front: "on the front", at: "run", kind: "quantity",
};
const hidden = ["major", "place"];
const numbersOf = (rows) => {
  const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => !hidden.includes(name));
  const [table, top, body, heads] = [make("table"), make("thead"), make("tbody"), make("tr")];
  names.forEach((name) => heads.append(make("th", columnNames[name] ?? name, { scope: "col" })));
  top.append(heads);
  body.append(...rows.slice(0, 500).map((row) => {
    const line = make("tr");
    names.forEach((name) => line.append(make("td", row[name] ?? "")));
    return line;
  }));
  table.append(top, body);
  return table;
};
for (const details of document.querySelectorAll("details.data")) {
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const spec = specs[details.dataset.plot];
    const box = make("div", undefined, { tabindex: "0", role: "region", "aria-label": `Numbers: ${spec.description}` });
    box.append(numbersOf(spec.data.values));
    details.append(box);
  });
}

showAll();
if (state.get("f") || state.get("q")) byId("failures").scrollIntoView();
document.documentElement.dataset.ready = "yes";
