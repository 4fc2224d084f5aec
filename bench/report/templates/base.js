// Helpers of all parts, and the state of the page in its address. Texts enter by textContent alone.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const byId = (id) => document.getElementById(id);
const make = (tag, text, attributes = {}) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const options = (select, entries) => {
  select.replaceChildren(...entries.map(([value, label]) => make("option", label, { value })));
};

const data = read("data");
const systems = data.systems;
const board = data.board;
const ranked = systems.flatMap((system, i) => (system.reference ? [] : [i]));

// What the reader chose, as "key=value&…" after "#": an address opens the page in the same state.
// m metric, r retriever of the leaderboard, s sorted column, f preset of failures, a and b systems,
// fr retriever of failures, w words, q query, l system in focus.
const state = new Map();
const link = (changes) => {
  const next = new Map([...state, ...Object.entries(changes)]);
  const parts = [...next].filter(([, value]) => value).map((pair) => pair.map(encodeURIComponent).join("="));
  return `#${parts.join("&")}`;
};
const parse = () => {
  const hash = location.hash.slice(1);
  if (hash && !hash.includes("=")) return false; // the anchor of a section
  state.clear();
  for (const [name, value] of new URLSearchParams(hash)) state.set(name, value);
  return true;
};
const set = (changes) => {
  const address = link(changes);
  for (const [name, value] of Object.entries(changes)) state.set(name, value);
  history.replaceState(null, "", address === "#" ? location.pathname : address);
};
const views = []; // functions that show the state
const showAll = () => views.forEach((show) => show());
parse();
window.addEventListener("hashchange", () => {
  if (!parse()) return;
  showAll();
  if (state.get("f") || state.get("q")) byId("failures").scrollIntoView();
});
