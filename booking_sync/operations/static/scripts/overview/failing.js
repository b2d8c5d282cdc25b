"use strict";
// The overview's section on failing bookings, and syncing some again.

// A larger group of failing bookings is folded up: its reason is what one has to read.
const SHOWN_AT_ONCE = 5;

function queued({ queued: count, stopped }) {
  return `${plural(count, "booking is", "bookings are")} on the change queue.${stopped ? " Stopped there." : ""}`;
}

function resync(key, bodies, failed) {
  return { key, home: "failing-title", path: "resync", bodies, done: queued, failed };
}

function failingTable(reason, bookings) {
  return table(`Failing bookings: ${reason}`, [
    ["Booking", bookingName],
    ["Technician", technicianName],
    ["Starts", (booking) => when(booking.starts), true],
    ["Changed", (booking) => when(booking.modified), true],
  ], bookings);
}

// The rest of a group, a hundred at a time.
function moreButton(group, place) {
  let shown = group.bookings.length;
  const more = make("button", "", { type: "button", class: "plain" });
  const name = () => { more.textContent = `Show ${Math.min(AT_ONCE, group.count - shown)} more of ${group.count - shown}`; };
  name();
  more.addEventListener("click", async () => {
    try {
      const part = await ask(`failing?group=${encodeURIComponent(group.key)}&from=${shown}`);
      shown += part.bookings.length;
      place.append(failingTable(group.reason, part.bookings));
      if (!part.bookings.length || shown >= group.count) more.remove();
      else name();
    } catch (error) {
      explain(error);
    }
  });
  return more;
}

function failingGroup(group) {
  const { key, reason, remedy, heading, count, people, bookings } = group;
  const box = make("div", "", { class: "group" });
  const what = plural(count, "booking", "bookings");
  const title = make("p", "");
  title.append(make("strong", what), ` of ${plural(people, "technician", "technicians")}: `, make("span", reason));
  box.append(title);
  if (remedy) {
    const step = make("p", "", { class: "step" });
    step.append(make("strong", "Next: "), remedy, make("span", ` Runbook: “${heading}”.`, { class: "quiet" }));
    box.append(step);
  }
  const ids = async () => inParts(count > bookings.length
    ? (await ask(`failing?group=${encodeURIComponent(key)}&from=0`)).ids
    : bookings.map((booking) => booking.bookingId));
  box.append(orderButton(count === 1 ? "Sync again" : `Sync all ${count} again`,
    count === 1 ? bookings[0].name || bookings[0].bookingId : `of those: ${reason}`, resync(`group-${key}`, ids)));
  const details = make("details", "", { "data-key": `group-${key}` });
  details.open = count <= SHOWN_AT_ONCE;
  const place = make("div", "");
  place.append(failingTable(reason, bookings));
  details.append(make("summary", `Which ${what}`), place);
  if (count > bookings.length) details.append(moreButton(group, place));
  box.append(details);
  return box;
}

function showFailing({ failing }) {
  fill("failing", failing, () => {
    if (!failing.groups.length) return null;
    const box = make("div", "");
    box.append(...failing.groups.map(failingGroup));
    if (failing.more) box.append(make("p", "There are more; these changed last.", { class: "quiet" }));
    return box;
  }, "None.");
  placeNotes("failing-title");
}
