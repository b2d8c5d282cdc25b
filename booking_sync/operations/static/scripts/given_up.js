"use strict";
// The overview's section on messages that were given up.

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
