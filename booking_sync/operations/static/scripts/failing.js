"use strict";
// The overview's section on failing bookings, and syncing one again.

// A larger group of failing bookings is folded up: its reason is what one has to read.
const SHOWN_AT_ONCE = 5;

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
