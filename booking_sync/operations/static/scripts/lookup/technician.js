"use strict";
// One technician: whether bookings show in Outlook, and those of some days beside their events.

function eventCell({ events, state, starts }) {
  if (!events.length) return make("span", state === "unreadable" ? "Not known" : "No event", { class: "quiet" });
  const box = make("div", "");
  for (const event of events) {
    box.append(make("div", event.subject || "(without a subject)"));
    box.append(make("div", times(event.starts, event.ends, starts), { class: "quiet" }));
    if (event.elsewhere) box.append(make("div", `In another calendar: ${event.elsewhere}`, { class: "quiet" }));
  }
  return box;
}

function technicianFacts(told) {
  const { mailbox } = told;
  const box = make("div", "");
  box.append(facts([
    ["Shows in Outlook", `${told.takesPart ? "Yes" : "No"}. ${told.why}`],
    ["Address", told.address],
    ["Type", told.active ? told.kind : `${told.kind}, deactivated in Dynamics 365`],
    ["Calendar", mailbox.problem],
    ["Throttled until", when(mailbox.throttledUntil)],
  ]), ids([["Mailbox", mailbox.id], ["Bookable resource", told.technicianId]], "technician"));
  return box;
}

// Eight days before, around today, or after.
function otherDays({ technicianId, from, until }) {
  const days = Date.parse(until) - Date.parse(from);
  const day = (moment) => new Date(moment).toISOString().slice(0, 10);
  const list = make("ul", "", { class: "steps" });
  for (const [words, query] of [
    ["Earlier", { from: day(Date.parse(from) - days) }],
    ["Around today", {}],
    ["Later", { from: day(until) }],
  ]) {
    const item = make("li", "");
    item.append(make("a", words, { href: addressOf("technician", technicianId, query) }));
    list.append(item);
  }
  return list;
}

function technicianHome({ technicianId }) {
  return { view: technicianId, home: "technician-title" };
}

function technicianDays(told) {
  const box = make("div", "");
  box.append(make("p", days(told.from, told.until)), otherDays(told));
  const wrong = told.bookings.filter(({ fine }) => !fine).map(({ bookingId }) => bookingId);
  if (wrong.length) {
    box.append(syncButton(wrong.length === 1 ? "Sync it again" : `Sync ${wrong.length} again`,
      "of these that don't show as they should", wrong, technicianHome(told)));
  }
  if (told.bookings.length) {
    box.append(table("Bookings and their events", [
      ["Booking", bookingCell],
      ["When", ({ starts, ends }) => (starts ? timespan(starts, ends) : "Not known")],
      ["In Outlook", eventCell],
      ["State", stateCell],
      ["The row says", ({ error }) => error],
    ].filter(([heading]) => heading !== "The row says" || told.bookings.some(({ error }) => error)), told.bookings));
  } else {
    box.append(make("p", "No bookings.", { class: "quiet" }));
  }
  if (told.more > 0) box.append(make("p", `And ${told.more} more.`, { class: "quiet" }));
  return box;
}

function showTechnician(told) {
  const name = told.name || "(without a name)";
  breadcrumbs("technician-path", [[name]]);
  at("technician-title").textContent = name;
  document.title = `${name} · booking_sync operations`;
  headlineInto("technician-status", told.headline);
  at("technician-facts").replaceChildren(technicianFacts(told));
  at("technician-days").replaceChildren(technicianDays(told));
  outcomesInto("technician-outcomes", told.journal, told.bookings);
  placeOwnNotes(technicianHome(told));
}

async function loadTechnician({ argument, query }) {
  const asked = new URLSearchParams({ id: argument });
  if (query.get("from")) asked.set("from", query.get("from"));
  const told = await ask(`technician?${asked}`);
  return () => showTechnician(told);
}

addView("technician", {
  title: "Technician",
  home: "technician-title",
  load: loadTechnician,
  loadQuietly: loadTechnician,
  every: LOOKED_AT_EVERY,
});
