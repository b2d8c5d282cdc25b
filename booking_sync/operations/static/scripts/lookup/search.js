"use strict";
// The search: by whatever a person calls a booking or a technician. What is typed goes to the app in a body, and into
// no address but the fragment, which browsers keep to themselves.

function foundTechnicians({ technicians, moreTechnicians }) {
  const box = make("div", "");
  if (technicians.length) {
    box.append(table("Technicians that were found", [
      ["Technician", (each) => technicianLink(each.technicianId, each.name)],
      ["Address", ({ address }) => address],
      ["Type", ({ kind, active }) => (active ? kind : `${kind}, deactivated`), true],
    ], technicians));
  } else {
    box.append(make("p", "None.", { class: "quiet" }));
  }
  if (moreTechnicians) box.append(make("p", "There are more: type more of the name.", { class: "quiet" }));
  return box;
}

function foundBookings({ bookings, moreBookings }) {
  const box = make("div", "");
  if (bookings.length) {
    box.append(table("Bookings that were found", [
      ["Booking", bookingCell],
      ["When", ({ starts, ends }) => timespan(starts, ends)],
      ["Technician", ({ technician }) => technicianLink(technician.id, technician.name)],
      ["Status", ({ status, active }) => (active ? status : `${status}, inactive`), true],
    ], bookings));
  } else {
    box.append(make("p", "None.", { class: "quiet" }));
  }
  if (moreBookings) {
    box.append(make("p", "There are more: the next ones come first, then the latest of the past.", { class: "quiet" }));
  }
  return box;
}

function counted(hits, more, one, many) {
  if (more) return `more than ${hits.length} ${many}`;
  return hits.length ? plural(hits.length, one, many) : `no ${one}`;
}

// Where the only thing that was found is shown; empty when several were.
function onlyHit({ bookings, technicians, moreBookings, moreTechnicians }) {
  if (moreBookings || moreTechnicians || bookings.length + technicians.length !== 1) return "";
  return bookings.length ? addressOf("booking", bookings[0].bookingId) : addressOf("technician", technicians[0].technicianId);
}

function showSearch(words, found) {
  at("words").value = words;
  breadcrumbs("search-path", [["Search"]]);
  const only = onlyHit(found);
  if (only) {
    location.replace(only); // so that the way back leads to where one came from
    return;
  }
  const { bookings, moreBookings, technicians, moreTechnicians } = found;
  at("search-count").textContent = `${counted(bookings, moreBookings, "booking", "bookings")} and ${
    counted(technicians, moreTechnicians, "technician", "technicians")}.`;
  at("search-title").textContent = `Found for “${words}”`;
  at("found-technicians").replaceChildren(foundTechnicians(found));
  at("found-bookings").replaceChildren(foundBookings(found));
}

addView("search", {
  title: "Search",
  home: "search-title",
  load: async ({ query }) => {
    const words = (query.get("q") || "").trim();
    const found = await ask("search", { q: words });
    return () => showSearch(words, found);
  },
});

at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const address = addressOf("search", "", { q: at("words").value.trim() });
  if (location.hash === address) refresh();
  else location.hash = address;
});
