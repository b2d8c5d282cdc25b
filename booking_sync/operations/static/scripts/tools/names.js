"use strict";
// What bookings and technicians are called, and where their names lead: to the page's own view, and to Dynamics 365.

function dynamicsLink(link, text, told = " (opens Dynamics 365)") {
  // Only ever an address of Dynamics 365; anything else stays text.
  if (!/^https:\/\//.test(link || "")) return text;
  const made = make("a", text, { href: link, target: "_blank", rel: "noopener noreferrer" });
  if (told) made.append(make("span", told, { class: "visually-hidden" }));
  return made;
}

// What people call bookings that came with their ids alone, by id; kept in this tab's memory only.
const named = new Map();
const NAMED_AT_ONCE = 100;

// A booking by its name, or by its id until the name is known.
function bookingName({ bookingId, name, link }) {
  const text = name || named.get(bookingId) || bookingId;
  if (!bookingId || !views.has("booking")) return dynamicsLink(link, text);
  const box = make("span", "");
  const made = make("a", text, { href: addressOf("booking", bookingId) });
  if (!name) made.dataset.named = bookingId;
  box.append(made);
  if (link) box.append(" ", dynamicsLink(link, "Dynamics 365", ` has ${text}`));
  return box;
}

function technicianName({ technician, technicianId }) {
  const text = technician || technicianId || "";
  if (!technicianId || !views.has("technician")) return text;
  return make("a", text, { href: addressOf("technician", technicianId) });
}

// Gives names to the bookings on the page that show by their ids. Where nobody can tell them, the ids stay.
async function nameBookings() {
  const shown = () => [...document.querySelectorAll("[data-named]")];
  const ids = [...new Set(shown().map((each) => each.dataset.named))].filter((id) => !named.has(id)).slice(0, NAMED_AT_ONCE);
  if (ids.length) {
    const found = await ask("search", { ids }).catch(() => null);
    if (!found) return;
    for (const id of ids) named.set(id, "");
    for (const booking of found.bookings) named.set(booking.bookingId, booking.name || booking.workOrder);
  }
  for (const each of shown()) each.textContent = named.get(each.dataset.named) || each.dataset.named;
}
