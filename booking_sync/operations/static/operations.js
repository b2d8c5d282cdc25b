"use strict";
// Whatever the services and people wrote gets into the page as text, never as markup.

const KEY = "booking-sync-function-key";
const STALE_MILLISECONDS = 120000;
const TICK_MILLISECONDS = 5000;
// After an order the queue works for a moment; the page looks again by itself this long afterwards.
const LOOK_AGAIN_MILLISECONDS = [1500, 4000, 10000];
// A larger group of failing bookings is folded up: its reason is what one has to read.
const SHOWN_AT_ONCE = 5;
const HERE = location.pathname.replace(/\/+$/, "");

const state = { key: sessionStorage.getItem(KEY) || "", seen: 0, asked: 0, later: [] };
const at = (id) => document.getElementById(id);

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// --- what the page says ------------------------------------------------------------------------------

function announce(words) {
  at("announcer").textContent = words;
}

function trouble(words, severity = "failing") {
  at("trouble").replaceChildren(...(words ? [make("p", words, { class: `notice ${severity}` })] : []));
}

function when(moment) {
  const time = new Date(moment);
  return moment && !Number.isNaN(time.getTime()) ? time.toLocaleString() : "";
}

function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

// --- asking ------------------------------------------------------------------------------------------

class WrongKey extends Error {}

async function ask(path, body) {
  const options = {
    headers: { "x-functions-key": state.key },
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`${HERE}/${path}`, options);
  } catch {
    throw new Error("The app can't be reached. Check your connection, then refresh.");
  }
  if (answer.status === 401 || answer.status === 403) {
    const told = await answer.json().catch(() => ({}));
    throw told.problem ? new Error(told.problem) : new WrongKey("The app does not accept this key.");
  }
  const told = await answer.json().catch(() => null);
  if (told === null) throw new Error(`The app answered ${answer.status} without a word; see its log.`);
  if (!answer.ok) throw Object.assign(new Error(told.problem || `The app answered ${answer.status}.`), { told });
  return told;
}

async function refresh(words = "") {
  const asked = ++state.asked;
  at("refresh").textContent = "Refreshing…";
  at("content").setAttribute("aria-busy", "true");
  try {
    const status = await ask("status");
    if (asked !== state.asked) return; // a later question is under way
    state.seen = Date.now();
    trouble("");
    show(status);
    announce(words || "Up to date.");
  } catch (error) {
    if (asked === state.asked) explain(error);
  } finally {
    if (asked === state.asked) {
      at("refresh").textContent = "Refresh";
      at("content").removeAttribute("aria-busy");
    }
    tick();
  }
}

function explain(error) {
  announce("");
  if (error instanceof WrongKey) {
    lock(error.message);
  } else {
    trouble(error.message);
  }
}

// Runs one order at a time per button; a second click while it runs does nothing.
async function order(button, path, body, done, home) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  state.later.forEach(clearTimeout);
  try {
    const words = done(await ask(path, body));
    await refresh(words);
    state.later = LOOK_AGAIN_MILLISECONDS.map((wait) => setTimeout(() => state.key && refresh(words), wait));
  } catch (error) {
    explain(error);
  } finally {
    button.removeAttribute("aria-disabled");
    // The button may be gone with its row; whoever uses a keyboard goes on from the section's title.
    if (!button.isConnected || button.hidden) at(home).focus();
  }
}

// --- showing -----------------------------------------------------------------------------------------

// A table by columns of [heading, content of a row, short]; content is text or an element.
function table(caption, columns, rows) {
  const head = make("tr", "", { role: "row" });
  for (const [heading] of columns) head.append(make("th", heading, { scope: "col", role: "columnheader" }));
  const body = make("tbody", "", { role: "rowgroup" });
  for (const row of rows) {
    const line = make("tr", "", { role: "row" });
    for (const [heading, content, short] of columns) {
      const told = content(row);
      const cell = make("td", "", { role: "cell", "data-label": heading });
      if (short) cell.className = "short";
      cell.append(told);
      line.append(cell);
    }
    body.append(line);
  }
  const headGroup = make("thead", "", { role: "rowgroup" });
  headGroup.append(head);
  const made = make("table", "", { role: "table" });
  made.append(make("caption", caption, { class: "visually-hidden" }), headGroup, body);
  const box = make("div", "", { class: "scroll" });
  box.append(made);
  return box;
}

function fill(id, section, content, empty) {
  const place = at(id);
  if (section.problem) {
    place.replaceChildren(make("p", section.problem, { class: "notice warning" }));
  } else {
    const made = content();
    place.replaceChildren(made || make("p", empty, { class: "quiet" }));
  }
}

function bookingLink(link, text) {
  // Only ever an address of Dynamics 365; anything else stays text.
  if (!/^https:\/\//.test(link)) return text;
  const made = make("a", text, { href: link, target: "_blank", rel: "noopener noreferrer" });
  made.append(make("span", " (opens Dynamics 365)", { class: "visually-hidden" }));
  return made;
}

function orderButton(text, about, path, body, done, home) {
  const made = make("button", text, { type: "button" });
  made.append(make("span", ` ${about}`, { class: "visually-hidden" }));
  made.addEventListener("click", () => order(made, path, body, done, home));
  return made;
}

function show(status) {
  showHealth(status);
  showPoison(status);
  showFailing(status);
  showPeople(status);
  showThrottled(status);
  showRuns(status);
  showOutcomes(status);
}

function showHealth({ headline, health, queues }) {
  at("health-status").textContent = headline.words;
  at("health-status").className = `status ${headline.severity}`;
  at("findings").replaceChildren(
    ...health.findings.map(({ severity, words }) =>
      make("li", `${severity === "failing" ? "Failing" : "Warning"}: ${words}`, { class: `notice ${severity}` })),
  );
  const figures = queues.problem
    ? [["Queues", queues.problem]]
    : [["Waiting changes", String(queues.changes)], ["Messages given up", String(queues.poison)]];
  at("figures").replaceChildren(...figures.map(([name, value]) => {
    const pair = make("div", "");
    pair.append(make("dt", name), make("dd", value));
    return pair;
  }));
}

function replayed({ replayed: count, unreadable }) {
  const left = unreadable ? ` ${plural(unreadable, "message", "messages")} can't be read and stayed.` : "";
  if (!count) return `Nothing was there to be tried again; somebody may have been faster.${left}`;
  return `${plural(count, "message is", "messages are")} back on the change queue.${left}`;
}

function showPoison({ poison, queues }) {
  const letters = poison.letters || [];
  at("replay-all").hidden = !letters.some((letter) => letter.replayable);
  const more = (queues.poison || 0) - letters.length;
  fill("poison", poison, () => {
    if (!letters.length) return null;
    const box = make("div", "");
    box.append(table("Messages given up", [
      ["Booking", (letter) => subject(letter)],
      ["Reason", (letter) => letter.reason || "None was given; see the log."],
      ["Given up", (letter) => when(letter.deadLetteredAt), true],
      ["Kept until", (letter) => when(letter.expires) || "For good", true],
      ["Order", (letter) => letter.replayable
        ? orderButton("Try again", subjectText(letter), "replay", { letters: [letter.id] }, replayed, "poison-title")
        : "Can't be read, so not tried again", true],
    ], letters));
    if (more > 0) box.append(make("p", `About ${more} more are not shown.`, { class: "quiet" }));
    return box;
  }, "None.");
}

function subjectText(letter) {
  return letter.bookingId || letter.about || letter.id;
}

function subject(letter) {
  return letter.bookingId ? bookingLink(letter.link, letter.bookingId) : subjectText(letter);
}

function queued({ queued: count }) {
  return `${plural(count, "booking is", "bookings are")} on the change queue.`;
}

function byReason(bookings) {
  const groups = new Map();
  for (const booking of bookings) groups.set(booking.reason, [...(groups.get(booking.reason) || []), booking]);
  return [...groups].sort(([, some], [, others]) => others.length - some.length);
}

function failingGroup([reason, bookings]) {
  const box = make("div", "", { class: "group" });
  const ids = bookings.map((booking) => booking.bookingId);
  const what = plural(bookings.length, "booking", "bookings");
  const title = make("p", "");
  title.append(make("strong", what), ": ", make("span", reason));
  const again = orderButton(bookings.length === 1 ? "Sync again" : `Sync all ${bookings.length} again`,
    bookings.length === 1 ? bookings[0].name || ids[0] : `of those: ${reason}`, "resync", { bookings: ids }, queued,
    "failing-title");
  const rows = table(`Failing bookings: ${reason}`, [
    ["Booking", (booking) => bookingLink(booking.link, booking.name || booking.bookingId)],
    ["Starts", (booking) => when(booking.starts), true],
    ["Changed", (booking) => when(booking.modified), true],
  ], bookings);
  const details = make("details", "");
  details.open = bookings.length <= SHOWN_AT_ONCE;
  details.append(make("summary", `Which ${what}`), rows);
  box.append(title, again, details);
  return box;
}

function showFailing({ failing }) {
  fill("failing", failing, () => {
    if (!failing.bookings.length) return null;
    const box = make("div", "");
    box.append(...byReason(failing.bookings).map(failingGroup));
    if (failing.more) box.append(make("p", "There are more; these changed last.", { class: "quiet" }));
    return box;
  }, "None.");
}

function showPeople({ people }) {
  fill("people", people, () => {
    if (!people.inside) return null;
    const box = make("div", "");
    const names = make("ul", "", { class: "names" });
    names.append(...people.names.map((name) => make("li", name || "(without a name)")));
    const details = make("details", "");
    details.append(make("summary", "Their names"), names);
    if (people.more > 0) details.append(make("p", `And ${people.more} more.`, { class: "quiet" }));
    box.append(make("p", `${people.inside} of ${plural(people.all, "bookable resource", "bookable resources")}.`), details);
    return box;
  }, "Nobody: nothing shows in Outlook.");
}

function showThrottled({ journal }) {
  fill("throttled", journal, () => journal.throttled.length && table("Throttled mailboxes", [
    ["Mailbox (Entra object id)", ({ mailbox }) => mailbox || "Graph as a whole"],
    ["Until", ({ until }) => when(until), true],
  ], journal.throttled), "None.");
}

function showRuns({ catchUp, audit, nearAudit, health }) {
  const runs = [
    ["Catch-up", catchUp, "catch-up"],
    ["Audit", audit, "audit"],
    ["Audit of these days", nearAudit, "near-audit"],
  ];
  const due = (timer) => {
    const found = (health.timers || []).find((each) => each.timer === timer);
    if (!found || !found.due) return "Not known";
    return found.overdue ? make("span", `Overdue since ${when(found.due)}`, { class: "notice failing" }) : when(found.due);
  };
  at("runs").replaceChildren(table("Last runs", [
    ["Run", ([name]) => name, true],
    ["Last", ([, run]) => when(run.finished) || (run.problem ? "Not known" : "No run is known"), true],
    ["Due", ([, , timer]) => due(timer), true],
    ["Result", ([, run]) => run.problem || (run.failed ? `Failed: ${run.failed}` : tally(run.tally || {}))],
  ], runs));
}

function tally(counts) {
  return Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
}

function showOutcomes({ journal }) {
  fill("outcomes", journal, () => journal.outcomes.length && table("Last outcomes", [
    ["Time", ({ moment }) => when(moment), true],
    ["Booking", (outcome) => bookingLink(outcome.link, outcome.bookingId)],
    ["Outcome", ({ outcome }) => outcome, true],
    ["Detail", ({ reason }) => reason],
    ["Correlation id", ({ correlationId }) => correlationId],
  ], journal.outcomes), "None that is known.");
}

// --- the key, and time -------------------------------------------------------------------------------

function lock(words = "") {
  state.key = "";
  state.asked += 1;
  state.later.forEach(clearTimeout);
  sessionStorage.removeItem(KEY);
  at("content").hidden = at("tools").hidden = true;
  at("unlock").hidden = false;
  trouble(words);
  at("key").value = "";
  at("key").focus();
}

async function unlock(key) {
  state.key = key;
  state.seen = 0;
  at("unlock").hidden = true;
  at("tools").hidden = false;
  trouble("");
  announce("Loading…");
  await refresh();
  if (!state.key) return;
  sessionStorage.setItem(KEY, key);
  at("content").hidden = !state.seen;
  if (state.seen) at("health-title").focus();
}

function tick() {
  const age = Date.now() - state.seen;
  at("stale").hidden = !state.seen || age < STALE_MILLISECONDS;
  at("age").textContent = state.seen ? `As of ${new Date(state.seen).toLocaleTimeString()}` : "";
  at("content").hidden = !state.key || !state.seen;
}

at("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  at("key").value = "";
  if (!/^[\x21-\x7e]+$/.test(key)) lock("That can't be a function key: copy it again, without spaces.");
  else unlock(key);
});
at("resync").addEventListener("submit", (event) => {
  event.preventDefault();
  const bookings = at("booking").value.split(/[\s,;]+/).filter(Boolean);
  order(event.submitter || at("resync").querySelector("button"), "resync", { bookings }, queued, "resync-title");
});
at("refresh").addEventListener("click", () => refresh());
at("forget").addEventListener("click", () => lock());
at("replay-all").addEventListener("click", () =>
  order(at("replay-all"), "replay", { all: true }, replayed, "poison-title"));
setInterval(tick, TICK_MILLISECONDS);
if (state.key) unlock(state.key);
else lock();
