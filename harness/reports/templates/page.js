"use strict";
// What every page does: the theme, the keys, and copying.

const $ = (id) => document.getElementById(id);

/** Make an element; children are text or elements, never markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Storage may be forbidden where a page is a file; then a theme lasts as long as the page. */
const memory = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, value); } catch { /* it lasts as long as the page */ }
  },
};

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  const button = $("theme");
  button.dataset.theme = theme;
  button.querySelector("span").textContent = theme;
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  let copied = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    copied = document.execCommand("copy");
  }
  button.textContent = copied ? "Copied" : "Press Ctrl+C";
  setTimeout(() => { button.textContent = "Copy"; }, 1600);
}

/** The keys of a list of `details`: `items()` are the ones that are shown, `search` is the field. */
function bindKeys({ items, search, help }) {
  const step = (by) => {
    const shown = items();
    if (!shown.length) return;
    const here = document.activeElement && document.activeElement.closest("details.check");
    let place = here ? shown.indexOf(here) : -1;
    if (place < 0) {
      // Begin with what is on the screen.
      const first = shown.findIndex((one) => one.getBoundingClientRect().bottom > 90);
      place = by > 0 ? Math.max(first, 0) : Math.max(first - 1, 0);
    } else {
      place = Math.min(Math.max(place + by, 0), shown.length - 1);
    }
    const summary = shown[place].querySelector("summary");
    summary.focus({ preventScroll: true });
    summary.scrollIntoView({ block: "nearest" });
  };
  let latest = null;
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details.check[open]")) latest = event.target;
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const at = event.target;
    const onSummary = at.matches("details.check > summary");
    if (event.key === "Escape") {
      if (at === search) {
        if (search.value) { search.value = ""; search.dispatchEvent(new Event("input")); } else search.blur();
        return;
      }
      const open = at.closest("details.check[open]") || (latest && latest.open ? latest : null);
      if (open) { open.open = false; open.querySelector("summary").focus(); }
      return;
    }
    if (at.matches("input:not([type=checkbox]), select, textarea")) return;
    const moves = { j: 1, k: -1, ...(onSummary ? { ArrowDown: 1, ArrowUp: -1 } : {}) };
    if (event.key in moves) step(moves[event.key]);
    else if (event.key === "/") search.focus();
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  });
}

function preparePage() {
  document.documentElement.classList.add("js");
  setTheme(THEMES.includes(memory.get("mailproof-theme")) ? memory.get("mailproof-theme") : "auto");
  $("theme").addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf($("theme").dataset.theme) + 1) % THEMES.length];
    setTheme(next);
    memory.set("mailproof-theme", next);
  });
  $("help-button").addEventListener("click", () => $("help").showModal());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copy(button);
  });
}

preparePage();
