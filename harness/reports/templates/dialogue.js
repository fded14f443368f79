// A dialogue as a table of lines: when, by whom, and the octets, none of them invisible.

const NAMES = ("NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB"
  + " ESC FS GS RS US").split(" ");
const SHORT = { 9: "\\t", 10: "\\n", 13: "\\r" };
const INVISIBLE = /[\u0000-\u001f\u007f-\u{10ffff}]/u;

function hex(octet) {
  return "\\x" + octet.toString(16).padStart(2, "0");
}

/** One octet (or, in text, one character) that cannot be shown as itself. */
function markOctet(code) {
  const kind = code < 128 ? "ctl" : "high";
  const name = NAMES[code] || (code === 127 ? "DEL" : code < 256 ? "not ASCII" : "U+" + code.toString(16));
  const text = SHORT[code] || (code < 256 ? hex(code) : "\\u" + code.toString(16).padStart(4, "0"));
  return make("span", { class: "octet " + kind, title: name }, text);
}

/** Append octets (a character each) to an element; what is not printable ASCII gets a mark of its own. */
function appendOctets(element, octets) {
  let plain = "";
  for (const char of octets) {
    if (!INVISIBLE.test(char)) { plain += char; continue; }
    if (plain) element.append(plain);
    plain = "";
    element.append(markOctet(char.codePointAt(0)));
  }
  if (plain) element.append(plain);
  return element;
}

/** Append text in which octets are escaped already, as the text of a dialogue is. */
function appendEscaped(element, text) {
  for (const [part] of text.matchAll(/\\x[0-9a-f]{2}|\\[rnt\\]|[^\\]+|\\/gs)) {
    if (part.length > 1 && part[0] === "\\") element.append(make("span", { class: "octet ctl" }, part));
    else appendOctets(element, part);
  }
  return element;
}

function when(seconds) {
  return seconds.toFixed(seconds < 10 ? 4 : 3);
}

function delta(seconds) {
  if (seconds < 0.0005) return "";
  return "+" + (seconds < 1 ? (seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0) + " ms" : seconds.toFixed(2) + " s");
}

function row(kind, time, since, mark, cell) {
  return make("tr", { class: kind },
    make("td", { class: "at" }, time), make("td", { class: "since" }, since),
    make("td", { class: "who" }, mark), cell);
}

function note(text) {
  return make("tr", { class: "note" }, make("td", { colspan: "4" }, text));
}

/** Yield the lines of turns; a line may come in many turns, `from` its first octet `until` its last. */
function* linesOf(turns) {
  let mark = "", octets = "", from = 0, until = 0;
  for (const [by, more, at] of turns) {
    if (by !== mark && octets) { yield { mark, octets, from, until, ended: false }; octets = ""; }
    mark = by;
    if (by !== "C" && by !== "S") { yield { mark, octets: more, from: at, until: at, ended: true }; continue; }
    if (!octets) from = at;
    octets += more;
    until = at;
    let end;
    while ((end = octets.indexOf("\r\n")) >= 0) {
      yield { mark, octets: octets.slice(0, end), from, until, ended: true };
      octets = octets.slice(end + 2);
      from = at;
    }
  }
  if (octets) yield { mark, octets, from, until, ended: false };
}

function lineCell(octets, ended) {
  const cell = appendOctets(make("td", { class: "line" }), octets);
  if (ended) cell.append(make("span", { class: "crlf" }, "\\r\\n"));
  else cell.append(make("span", { class: "octet no-end", title: "the line does not end with CRLF here" }, "no CRLF"));
  return cell;
}

function* rowsOfTurns({ turns, cut, cutAt }) {
  const parts = cut ? [turns.slice(0, cutAt), turns.slice(cutAt)] : [turns];
  for (const [place, part] of parts.entries()) {
    if (place) yield note(`${cut.toLocaleString("en")} octets are left out here; the record of the run has them`);
    let shown = null, before = null;
    for (const { mark, octets, from, until, ended } of linesOf(part)) {
      const time = from === shown ? "" : when(from);
      const since = before === null ? "" : delta(from - before);
      [shown, before] = [from, until];
      if (mark === "TLS") yield note(`TLS established with ${octets}`);
      else if (mark === "END") yield note("the server ended the connection");
      else yield row(mark === "C" ? "client" : "server", time, since, mark + ":", lineCell(octets, ended));
    }
  }
}

function* rowsOfText({ lines, cutLines, cutAt }) {
  for (const [place, line] of lines.entries()) {
    if (cutLines && place === cutAt) yield note(`${cutLines} lines are left out here; the record of the run has them`);
    const said = /^([CS]): ?(.*)$/s.exec(line);
    if (!said) yield note(line.replace(/^(--|\.\.\.) | (--|\.\.\.)$/g, ""));
    else yield row(said[1] === "C" ? "client" : "server", "", "", said[1] + ":", appendEscaped(make("td", { class: "line" }), said[2]));
  }
}

/** Return the element that shows a dialogue. */
function dialogueElement(dialogue) {
  const timed = Boolean(dialogue.turns);
  const body = make("tbody");
  body.append(...(timed ? rowsOfTurns(dialogue) : rowsOfText(dialogue)));
  const head = make("thead", { class: "hidden" }, make("tr", {},
    ...["seconds", "since the line before", "who", "octets"].map((name) => make("th", { scope: "col" }, name))));
  const table = make("table", { class: timed ? "dialogue" : "dialogue untimed" }, head, body);
  const lines = body.querySelectorAll(".line").length;
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": dialogue.peer }, table);
  const box = make("details", { class: "exchange" }, make("summary", {},
    dialogue.peer, " ", make("span", {}, `${lines} ${lines === 1 ? "line" : "lines"}`)), scroll);
  box.open = !dialogue.aside;
  return box;
}

/** Return the elements of all evidence that is shown on demand. */
function heavyElements(heavy) {
  const elements = [];
  if (heavy.input) {
    const code = make("code");
    for (const [place, line] of heavy.input.entries()) {
      if (place) code.append("\n");
      appendOctets(code, line);
    }
    elements.push(make("h5", {}, "input, shrunk"), make("pre", { tabindex: "0" }, code));
    if (heavy.inputCut) elements.push(make("p", { class: "cut" }, `${heavy.inputCut} characters are left out; the record of the run has them`));
  }
  if (heavy.dialogues) {
    const toggle = make("button", { type: "button", class: "ends", "aria-pressed": "false" }, "Show CRLF");
    const group = make("div", { class: "dialogues" }, make("div", { class: "bar" }, make("h5", {}, heavy.dialogues.length > 1 ? "dialogues" : "dialogue"), toggle), ...heavy.dialogues.map(dialogueElement));
    toggle.addEventListener("click", () => {
      const shown = group.classList.toggle("with-crlf");
      toggle.setAttribute("aria-pressed", shown);
    });
    elements.push(group);
  }
  if (heavy.traceback) {
    elements.push(make("h5", {}, "traceback"), make("pre", { tabindex: "0" }, make("code", {}, heavy.traceback)));
  }
  return elements;
}
