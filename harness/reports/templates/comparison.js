// Servers side by side, and the difference of two runs: filters that the address keeps.

const rows = Array.from(document.querySelectorAll("#list .row"));
const bands = Array.from(document.querySelectorAll("#list [data-folder], #list .folder"));
const noun = $("shown").textContent.replace(/^\d+ /, "");
const fields = ["text", "level", "group"].filter((id) => $(id));

const haystacks = new Map();
function haystack(row) {
  let text = haystacks.get(row);
  if (text === undefined) {
    text = row.textContent.toLowerCase();
    haystacks.set(row, text);
  }
  return text;
}

function wanted() {
  return Object.fromEntries(fields.map((id) => [id, $(id).value]));
}

function applyFilter() {
  const { text = "", level, group } = wanted();
  const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
  const differing = Boolean($("all")) && !$("all").checked;
  let count = 0;
  for (const row of rows) {
    const shown = (!differing || "differs" in row.dataset) && (!level || row.dataset.level === level)
      && (!group || row.dataset.group === group) && terms.every((term) => haystack(row).includes(term));
    if (row.hidden === shown) row.hidden = !shown;
    count += shown;
  }
  for (const band of bands) band.hidden = !band.querySelector(".row:not([hidden])");
  $("shown").textContent = count === rows.length ? `${count} ${noun}` : `${count} of ${rows.length} ${noun}`;
  $("nothing").hidden = count > 0 || !rows.length;
}

function writeAddress() {
  const words = new URLSearchParams(Object.entries(wanted()).filter(([, value]) => value));
  if ($("all") && $("all").checked) words.set("all", "yes");
  const hash = words.toString();
  history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
}

function readAddress() {
  const hash = location.hash.slice(1);
  const words = new URLSearchParams(hash.includes("=") ? hash : `at=${hash}`);
  for (const id of fields) $(id).value = words.get(id) || "";
  const place = document.getElementById(words.get("at") || "");
  const row = place && place.closest(".row");
  if ($("all")) $("all").checked = words.get("all") === "yes" || Boolean(row && !("differs" in row.dataset));
  applyFilter();
  if (row) { place.open = true; place.scrollIntoView({ block: "start" }); }
}

function changed() {
  applyFilter();
  writeAddress();
}

function prepareComparison() {
  let timer = 0;
  $("text").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(changed, 120); });
  for (const id of ["level", "group", "all"]) if ($(id)) $(id).addEventListener("change", changed);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("clear-too").addEventListener("click", () => {
    for (const id of fields) $(id).value = "";
    if ($("all")) $("all").checked = true;
    changed();
  });
  window.addEventListener("hashchange", readAddress);
  bindKeys({
    items: () => Array.from(document.querySelectorAll("#list details.check")).filter((one) => !one.closest("[hidden]")),
    search: $("text"),
    help: $("help"),
  });
  readAddress();
}

prepareComparison();
