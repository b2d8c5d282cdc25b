"use strict";
// The overview's section on messages that were given up.

function replayed({ replayed: count, unreadable }) {
  const left = unreadable ? ` ${plural(unreadable, "message", "messages")} can't be read and stayed.` : "";
  if (!count) return `Nothing was there to be tried again; somebody may have been faster.${left}`;
  return `${plural(count, "message is", "messages are")} back on the change queue.${left}`;
}

function replay(key, body) {
  return { key, home: "poison-title", path: "replay", bodies: async () => [body], done: replayed };
}

function showPoison({ poison, queues }) {
  const letters = poison.letters || [];
  const more = (queues.poison || 0) - letters.length;
  fill("poison", poison, () => {
    if (!letters.length) return null;
    const box = make("div", "");
    if (letters.some((letter) => letter.replayable)) {
      box.append(orderButton("Try all again", "", replay("replay-all", { all: true })));
    }
    box.append(table("Messages given up", [
      ["Booking", subject],
      ["Technician", technicianName],
      ["Reason", reasonOf],
      ["Given up", (letter) => when(letter.deadLetteredAt), true],
      ["Kept until", (letter) => when(letter.expires) || "For good", true],
      ["Order", (letter) => letter.replayable
        ? orderButton("Try again", subjectText(letter), replay(letter.bookingId || letter.id, { messages: [letter.id] }))
        : "Can't be read, so not tried again", true],
    ], letters));
    if (more > 0) box.append(make("p", `About ${more} more are not shown.`, { class: "quiet" }));
    return box;
  }, "None.");
  placeNotes("poison-title");
}

function reasonOf({ reason, remedy }) {
  const box = make("div", reason || "None was given; see the log.");
  if (remedy) box.append(make("span", remedy, { class: "remedy quiet" }));
  return box;
}

function subjectText(letter) {
  return letter.bookingId || letter.about || letter.id;
}

function subject(letter) {
  if (!letter.bookingId) return subjectText(letter);
  const box = make("div", "");
  box.append(bookingName(letter));
  if (letter.name) box.append(make("span", letter.bookingId, { class: "remedy quiet" }));
  return box;
}
