"use strict";
// What the views of one booking, one technician and a search have in common.

// A look costs some questions to Dynamics 365 and Outlook.
const LOOKED_AT_EVERY = MINUTE;
const DAY = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };
const STATES = {
  "in step": "As it should be",
  "no event, and none is wanted": "None wanted",
  missing: "Not in the calendar",
  unrecorded: "Not recorded",
  behind: "Not up to date",
  drift: "Changed in Outlook",
  failing: "Can't sync",
  duplicate: "Twice in the calendar",
  orphan: "Should not be there",
  left: "Should not be there",
  gone: "Gone",
  hidden: "Hidden from the app",
  unreadable: "Not known",
};

function timespan(starts, ends) {
  const [from, to] = [new Date(starts), new Date(ends)];
  if (!starts || Number.isNaN(from.getTime())) return "No time";
  const begins = `${from.toLocaleDateString([], DAY)}, ${from.toLocaleTimeString([], CLOCK)}`;
  if (!ends || Number.isNaN(to.getTime())) return begins;
  const day = from.toDateString() === to.toDateString() ? "" : `${to.toLocaleDateString([], DAY)}, `;
  return `${begins} – ${day}${to.toLocaleTimeString([], CLOCK)}`;
}

// From the first day to the last one; the end itself is outside.
function days(from, until) {
  const day = (moment) => new Date(moment).toLocaleDateString([], DAY);
  return `${day(from)} – ${day(Date.parse(until) - 1)}`;
}

// The same as `timespan`, but for a day that is known from what it stands beside.
function times(starts, ends, beside) {
  const [from, to] = [new Date(starts), new Date(ends)];
  const same = [from, to].every((each) => each.toDateString() === new Date(beside).toDateString());
  return same ? `${from.toLocaleTimeString([], CLOCK)} – ${to.toLocaleTimeString([], CLOCK)}` : timespan(starts, ends);
}

// The way back: [words, address]…, the last of them without one, for it is shown.
function breadcrumbs(id, crumbs) {
  const list = make("ol", "");
  for (const [words, address] of [["Overview", "#/"], ...crumbs]) {
    const item = make("li", "");
    item.append(address ? make("a", words, { href: address }) : make("span", words, { "aria-current": "page" }));
    list.append(item);
  }
  at(id).replaceChildren(list);
}

function headlineInto(id, { severity, words }) {
  at(id).textContent = words;
  at(id).className = `status ${severity}`;
}

// Names and values; a value is text or an element, and an empty one is left out.
function facts(pairs) {
  const list = make("dl", "", { class: "facts" });
  for (const [name, value] of pairs) {
    if (!value) continue;
    const pair = make("div", "");
    const told = make("dd", "");
    told.append(value);
    pair.append(make("dt", name), told);
    list.append(pair);
  }
  return list;
}

// Ids are for the log and for support; they stand folded up.
function ids(pairs, whose) {
  const details = make("details", "", { class: "ids", "data-key": `ids-${whose}` });
  details.append(make("summary", "Ids"), facts(pairs.map(([name, id]) => [name, copyable(id, `the id: ${name}`)])));
  return details;
}

function copyable(text, what) {
  if (!text) return "";
  const made = make("span", "", { class: "copyable" });
  made.append(make("code", text), copyButton(text, what));
  return made;
}

function copyButton(text, what) {
  const made = make("button", "Copy", { type: "button", class: "plain small", "data-key": `copy-${text}` });
  made.append(make("span", ` ${what}`, { class: "visually-hidden" }));
  made.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce(`Copied: ${what}.`);
    } catch {
      announce("The browser does not let the page copy: select the text instead.");
    }
  });
  return made;
}

// A link's attributes; by its key it is found again when the view is shown anew.
function linkTo(view, id) {
  return { href: addressOf(view, id), "data-key": `${view}-${id}` };
}

function calledName({ name, workOrder, bookingId }) {
  return name || workOrder || bookingId;
}

// A booking as a link to its own view, with the work order and the customer below.
function bookingCell(booking) {
  const box = make("div", "");
  box.append(make("a", calledName(booking), linkTo("booking", booking.bookingId)));
  const below = [booking.name ? booking.workOrder : "", booking.customer].filter(Boolean).join(" · ");
  if (below) box.append(make("div", below, { class: "quiet" }));
  return box;
}

// The orders of these views. `view` is the booking or the technician, by id, that the note on the order belongs to;
// `home` is the heading that the focus goes to, and the note, when the button is gone.
function syncButton(text, about, bookings, { view, home }) {
  return orderButton(text, about, { ...resync(`sync-${view}`, async () => inParts(bookings)), home });
}

function replayButton(about, messageId, { view, home }) {
  return orderButton("Try again", about, { ...replay(`replay-${messageId}-${view}`, { messages: [messageId] }), home });
}

// Puts the notes on this view's orders in their place, and forgets those of others that stood under this heading.
function placeOwnNotes({ view, home }) {
  for (const [key, { home: theirs, element }] of notes) {
    if (theirs === home && !key.endsWith(view)) {
      element.remove();
      notes.delete(key);
    }
  }
  placeNotes(home);
}

function technicianLink(id, name) {
  if (!id) return name || "";
  return make("a", name || "(without a name)", linkTo("technician", id));
}

function stateCell({ state, fine, words, waits }) {
  const box = make("div", "");
  box.append(make("strong", STATES[state] || state, { class: fine ? "fine" : "wrong" }));
  if (waits) box.append(make("div", `Waits, and is tried again by itself: ${waits}`, { class: "quiet" }));
  for (const each of words) box.append(make("div", each, { class: "quiet" }));
  return box;
}

// How the last messages ended; of several bookings with their names, of one with the ids that lead into the log.
function outcomesInto(id, journal, bookings = null) {
  const names = new Map((bookings || []).map((each) => [each.bookingId, calledName(each)]));
  const columns = [
    ["Time", ({ moment }) => when(moment), true],
    bookings
      ? ["Booking", ({ bookingId }) => make("a", names.get(bookingId) || bookingId, { href: addressOf("booking", bookingId) })]
      : ["Correlation id", ({ correlationId }) => correlationId],
    ["Outcome", ({ outcome }) => outcome, true],
    ["Detail", ({ reason }) => reason],
  ];
  fill(id, journal, () => journal.outcomes.length && table("Last outcomes", columns, journal.outcomes),
    "None that is known of the last day.");
}
