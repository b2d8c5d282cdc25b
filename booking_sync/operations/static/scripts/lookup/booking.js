"use strict";
// One booking: its row, its event in Outlook, what the row remembers, what would be done, and how the last tries ended.

function bookingFacts({ row, customer, bookingId }) {
  return facts([
    ["When", row && timespan(row.start, row.end)],
    ["Technician", row && (row.resource.id ? technicianLink(row.resource.id, row.resource.name) : "None")],
    ["Customer", customer],
    ["Work order", row && (row.workOrder || "None")],
    ["Status", row && (row.active ? row.status || "None" : `${row.status || "None"}, inactive`)],
    ["Changed", row && when(row.modified)],
    ["Id", copyable(bookingId, "the booking's id")],
  ]);
}

function eventFacts(event) {
  const box = make("div", "");
  box.append(facts([
    ["Subject", event.subject || "(without a subject)"],
    ["When", timespan(event.start, event.end)],
    ["Shows as", event.showAs],
    ["Differs in", event.differences.join(", ") || "Nothing"],
    ["The row names it", event.recorded ? "Yes" : "No"],
  ]), ids([["Mailbox", event.mailbox], ["Event", event.id]], event.id));
  return box;
}

function eventsOf({ events, closedMailboxes }) {
  const closed = Object.entries(closedMailboxes).map(([mailbox, reason]) => {
    const said = make("div", reason, { class: "notice warning" });
    said.append(ids([["Mailbox", mailbox]], mailbox));
    return said;
  });
  if (!events.length && !closed.length) return [make("p", "No event of this booking.", { class: "quiet" })];
  return [...closed, ...events.map(eventFacts)];
}

function recordFacts({ record }) {
  if (!record) return make("p", "There is no row to read.", { class: "quiet" });
  const box = make("div", "");
  box.append(facts([
    ["Error", record.error || "None"],
    ["What was written", `${record.fingerprintIs[0].toUpperCase()}${record.fingerprintIs.slice(1)}`],
    ["Generation", String(record.generation)],
    ["Seal", record.seal],
    ["Event", record.eventId ? "" : "None"],
  ]));
  if (record.eventId) box.append(ids([["Mailbox", record.mailbox], ["Event", record.eventId]], "record"));
  return box;
}

function backFacts(back) {
  const proposed = back.proposal === "move" ? `To move it to ${back.proposed}` : "To cancel it";
  const said = back.answer ? `answered: ${back.answer}` : "not answered";
  return facts([
    ["Both last agreed on", back.agreed || "Nothing yet"],
    ["The event has", back.event || "No times that can be read"],
    ["We wrote last", back.stamp && (back.stampSeen ? back.stamp : `${back.stamp}, which the row does not know of`)],
    ["Who changed it", back.changed],
    ["The worker would", back.would],
    ["Proposal", back.proposal ? `${proposed}, ${said}` : "None"],
    ["The row tells", back.told || "Nothing"],
  ]);
}

function stepsOf({ workerWould, because, fine }) {
  const box = make("div", "");
  const list = make("ul", "");
  list.append(...workerWould.map((step) => make("li", step)));
  box.append(list);
  if (!fine) {
    box.append(make("p", "The row alone decides that. “Sync again” writes the event afresh, whatever the row remembers."));
  }
  if (because) box.append(make("p", `Because ${because}.`, { class: "quiet" }));
  return box;
}

function bookingHome({ bookingId }) {
  return { view: bookingId, home: "booking-title" };
}

function givenUp(told) {
  return table("Messages given up", [
    ["Reason", ({ reason }) => reason || "None was given; see the log."],
    ["Given up", ({ at: moment }) => when(moment), true],
    ["Order", ({ messageId }) => replayButton("this message", messageId, bookingHome(told)), true],
  ], told.poison);
}

function bookingButtons({ bookingId, link, row }) {
  const made = [];
  if (row) made.push(syncButton("Sync again", "this booking", [bookingId], bookingHome({ bookingId })));
  if (link) made.push(dynamicsLink(link, "Open in Dynamics 365"));
  return made;
}

function showBooking(told) {
  const name = told.row ? told.row.name || told.row.workOrder || told.bookingId : told.bookingId;
  const { resource } = told.row || {};
  const owner = resource && resource.id ? [[resource.name || "(without a name)", addressOf("technician", resource.id)]] : [];
  breadcrumbs("booking-path", [...owner, [name]]);
  at("booking-title").textContent = name;
  document.title = `${name} · booking_sync operations`;
  headlineInto("booking-status", told.headline);
  at("booking-orders").replaceChildren(...bookingButtons(told));
  at("booking-facts").replaceChildren(bookingFacts(told));
  at("booking-events").replaceChildren(...eventsOf(told));
  at("booking-record").replaceChildren(recordFacts(told));
  at("booking-back-part").hidden = !told.wayBack;
  at("booking-back").replaceChildren(...(told.wayBack ? [backFacts(told.wayBack)] : []));
  at("booking-steps-part").hidden = !told.workerWould.length;
  at("booking-steps").replaceChildren(stepsOf(told));
  at("booking-given-up-part").hidden = !told.poison.length;
  at("booking-given-up").replaceChildren(givenUp(told));
  outcomesInto("booking-outcomes", told.journal);
  placeOwnNotes(bookingHome(told));
}

async function loadBooking({ argument }) {
  const told = await ask(`booking?${new URLSearchParams({ id: argument })}`);
  return () => showBooking(told);
}

addView("booking", {
  title: "Booking",
  home: "booking-title",
  load: loadBooking,
  loadQuietly: loadBooking,
  every: LOOKED_AT_EVERY,
});
