"use strict";
// What bookings and technicians are called, and where their names lead: to the page's own view, and to Dynamics 365.

function dynamicsLink(link, text, told = " (opens Dynamics 365)") {
  // Only ever an address of Dynamics 365; anything else stays text.
  if (!/^https:\/\//.test(link || "")) return text;
  const made = make("a", text, { href: link, target: "_blank", rel: "noopener noreferrer" });
  if (told) made.append(make("span", told, { class: "visually-hidden" }));
  return made;
}

// A booking by its name, or by its id where nobody knows the name.
function bookingName({ bookingId, name, link }) {
  const text = name || bookingId;
  if (!bookingId || !views.has("booking")) return dynamicsLink(link, text);
  const box = make("span", "");
  box.append(make("a", text, { href: addressOf("booking", bookingId) }));
  if (link) box.append(" ", dynamicsLink(link, "Dynamics 365", ` has ${text}`));
  return box;
}

function technicianName({ technician, technicianId }) {
  const text = technician || technicianId || "";
  if (!technicianId || !views.has("technician")) return text;
  return make("a", text, { href: addressOf("technician", technicianId) });
}
