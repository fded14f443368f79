// The report of one run: filters that the address keeps, and evidence that is made when a reader asks for it.

/** The id that a link within the page leads to. */
function target(link) {
  return link.getAttribute("href").slice(1);
}

const checks = Array.from(document.querySelectorAll("details.check"));
const sections = Array.from(document.querySelectorAll("#list .section"));
const folders = Array.from(document.querySelectorAll("#list .folder"));
const cells = new Map(Array.from(document.querySelectorAll(".cell"), (cell) => [target(cell), cell]));
const chips = Array.from(document.querySelectorAll(".chip"));
const filter = { words: new Set(), level: "", group: "", text: "", at: "" };

let heavy = null;
function heavyOf(id) {
  heavy ??= JSON.parse($("data").textContent);
  return heavy[id];
}

const haystacks = new Map();
function haystack(check) {
  let text = haystacks.get(check);
  if (text === undefined) {
    text = (check.id + " " + check.textContent).toLowerCase();
    haystacks.set(check, text);
  }
  return text;
}

function matches(check, terms) {
  const { word, level, group } = check.dataset;
  return (!filter.words.size || filter.words.has(word))
    && (!filter.level || level === filter.level)
    && (!filter.group || group === filter.group)
    && terms.every((term) => haystack(check).includes(term));
}

function applyFilter() {
  const terms = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const check of checks) {
    const shown = matches(check, terms);
    if (check.hidden === shown) check.hidden = !shown;
    count += shown;
  }
  for (const section of sections) {
    const empty = !section.querySelector(".check:not([hidden])");
    section.hidden = empty;
    const cell = cells.get(section.dataset.section);
    if (cell) cell.classList.toggle("off", empty);
  }
  for (const folder of folders) folder.hidden = !folder.querySelector(".section:not([hidden])");
  const all = count === checks.length;
  $("shown").textContent = all ? `${count} checks` : `${count} of ${checks.length} checks`;
  $("nothing").hidden = count > 0 || !checks.length;
  $("clear").disabled = !filter.words.size && !filter.level && !filter.group && !filter.text;
  for (const chip of chips) chip.setAttribute("aria-pressed", filter.words.has(chip.dataset.word));
}

/** Write the filter into the address, so that a link keeps it. */
function writeAddress() {
  const words = new URLSearchParams();
  if (filter.words.size) words.set("outcome", [...filter.words].join(","));
  for (const key of ["level", "group", "text", "at"]) if (filter[key]) words.set(key, filter[key]);
  const hash = words.toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
  history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
}

/** Read the address: a filter, or the plain id of a check, a section or an RFC. */
function readAddress() {
  const hash = location.hash.slice(1);
  const words = new URLSearchParams(hash.includes("=") ? hash : `at=${hash}`);
  const known = new Set(chips.map((chip) => chip.dataset.word));
  filter.words = new Set((words.get("outcome") || "").split(",").filter((word) => known.has(word)));
  filter.level = words.get("level") || "";
  filter.group = words.get("group") || "";
  filter.text = words.get("text") || "";
  filter.at = words.get("at") || "";
  $("level").value = filter.level;
  $("group").value = filter.group;
  $("text").value = filter.text;
  applyFilter();
  if (filter.at) goTo(filter.at, { focus: false });
}

function changed() {
  applyFilter();
  writeAddress();
}

function clearFilter() {
  filter.words.clear();
  filter.level = filter.group = filter.text = "";
  $("level").value = $("group").value = $("text").value = "";
  changed();
}

/** Go to a check (and open it), a section or an RFC, though the filter hides it. */
function goTo(id, { focus }) {
  const place = document.getElementById(id);
  if (!place || !place.closest("#list")) return;
  const wanted = place.closest(".check, .section, .folder");
  if (wanted.hidden || wanted.closest("[hidden]")) clearFilter();
  const check = place.matches(".check") ? place : null;
  if (check) check.open = true;
  place.scrollIntoView({ block: "start" });
  if (!focus) return;
  const summary = (check || place.parentElement.querySelector(".check:not([hidden])")).querySelector("summary");
  summary.focus({ preventScroll: true });
}

function fill(check) {
  const place = check.querySelector(".heavy");
  if (place && !place.firstChild) place.append(...heavyElements(heavyOf(check.id)));
}

function debounced(action, wait) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(action, wait); };
}

function prepareRun() {
  for (const chip of chips) {
    chip.disabled = false;
    chip.addEventListener("click", () => {
      const { word } = chip.dataset;
      if (!filter.words.delete(word)) filter.words.add(word);
      changed();
    });
  }
  $("level").addEventListener("change", () => { filter.level = $("level").value; changed(); });
  $("group").addEventListener("change", () => { filter.group = $("group").value; changed(); });
  $("text").addEventListener("input", debounced(() => { filter.text = $("text").value; changed(); }, 120));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", (event) => { event.preventDefault(); clearFilter(); });
  $("clear-too").addEventListener("click", clearFilter);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('main a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    filter.at = target(link);
    goTo(filter.at, { focus: true });
    writeAddress();
  });
  $("list").addEventListener("toggle", (event) => {
    const check = event.target;
    if (!check.matches("details.check")) return;
    if (check.open) { fill(check); filter.at = check.id; } else if (filter.at === check.id) filter.at = "";
    writeAddress();
  }, true);
  window.addEventListener("hashchange", readAddress);
  bindKeys({ items: () => checks.filter((check) => !check.hidden), search: $("text"), help: $("help") });
  readAddress();
}

prepareRun();
