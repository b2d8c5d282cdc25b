"use strict";
// Orders: each has a button. Beside it stands how far the order is and, when the app has worked on it, what became
// of it: that some failed again, and why. It can't be taken back, but while it is sent it can be stopped.

// The queue works for a moment; the page looks by itself so long after the order what became of it.
const LOOK_AGAIN_MILLISECONDS = [1500, 4000, 8000, 15000, 30000, 60000];
const AT_ONCE = 100;

// By what was ordered: the note that stands beside its button.
const notes = new Map();

// The note on an order, to be put beside its button when that is made anew.
function noteOn(key, home) {
  if (!notes.has(key)) notes.set(key, { home, element: make("div", "", { class: "became" }) });
  return notes.get(key).element;
}

function say(note, words, severity = "") {
  note.replaceChildren(...(words ? [make("p", words, { class: severity ? `notice ${severity}` : "quiet" })] : []));
}

// Notes whose buttons are gone stand under their section's title.
function placeNotes(home) {
  for (const [key, { home: theirs, element }] of notes) {
    if (theirs !== home || element.isConnected) continue;
    if (element.hasChildNodes()) at(home).after(element);
    else notes.delete(key);
  }
}

// A button that gives an order. `order` has
//   key     what is ordered, so that the note finds its button again
//   home    the id of the section's title, and where the focus goes when the button is gone
//   path    where its requests go
//   bodies  promises their bodies
//   done    says what was ordered, by all answers
function orderButton(text, about, order) {
  const made = make("button", text, { type: "button", "data-key": `order-${order.key}` });
  if (about) made.append(make("span", ` ${about}`, { class: "visually-hidden" }));
  made.addEventListener("click", () => give(made, order));
  const box = make("div", "", { class: "order" });
  box.append(made, noteOn(order.key, order.home));
  return box;
}

// Runs one order at a time per button; a second click while it runs does nothing.
async function give(button, { key, home, path, bodies, done, failed }) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const note = noteOn(key, home);
  state.orders += 1;
  try {
    const told = await send(path, await bodies(), note);
    const words = done(told);
    say(note, words);
    placeNotes(home);
    await refresh(words);
    follow(told, note, words);
  } catch (error) {
    if (error instanceof WrongKey) {
      explain(error);
    } else if (failed) {
      failed(error);
    } else {
      say(note, error.message, "failing");
      placeNotes(home);
      announce(error.message);
    }
  } finally {
    state.orders -= 1;
    button.removeAttribute("aria-disabled");
    // The button may be gone with its row; whoever uses a keyboard goes on from the section's title.
    if (!document.activeElement || document.activeElement === document.body) at(home).focus();
  }
}

// Sends the bodies one after the other, as one order, and adds the answers up.
async function send(path, bodies, note) {
  const told = { queued: 0, replayed: 0, unreadable: 0, bookings: 0, order: "", stopped: false };
  const stop = make("button", "Stop", { type: "button", class: "plain" });
  stop.addEventListener("click", () => { told.stopped = true; });
  for (const [place, body] of bodies.entries()) {
    if (told.stopped) break;
    if (bodies.length > 1) {
      const progress = make("progress", "", { max: bodies.length, value: place, "aria-label": "Sent so far" });
      note.replaceChildren(progress, make("span", ` ${told.queued} sent `), stop);
    }
    const answer = await ask(path, told.order ? { ...body, order: told.order } : body);
    for (const name of ["queued", "replayed", "unreadable", "bookings"]) told[name] += answer[name] || 0;
    told.order = answer.order || told.order;
  }
  return told;
}

// Looks what became of an order, until all of it has ended or a minute has passed.
function follow({ order, bookings }, note, words) {
  if (!order || !bookings) return;
  let settled = false;
  const look = async () => {
    if (!state.key || settled) return;
    try {
      const tally = await ask(`order?id=${encodeURIComponent(order)}`);
      settled = tally.done + tally.failed >= bookings;
      const became = becameOf(tally, bookings);
      say(note, `${words} ${became}`, tally.failed ? "warning" : settled ? "fine" : "");
      await refresh(settled ? became : words);
    } catch (error) {
      if (error instanceof WrongKey) explain(error);
    }
  };
  state.later.push(...LOOK_AGAIN_MILLISECONDS.map((wait) => setTimeout(look, wait)));
}

function becameOf({ done, failed, reasons }, bookings) {
  const left = Math.max(0, bookings - done - failed);
  const parts = [
    done ? `${done} ${done === 1 ? "is" : "are"} in step now` : "",
    failed ? `${failed} failed again` : "",
    left ? `${left} ${left === 1 ? "is" : "are"} still waiting` : "",
  ].filter(Boolean);
  const why = failed || left ? reasons.map(({ reason, count }) => `${reason} (${count})`).join("; ") : "";
  return `Of ${bookings}: ${parts.join(", ")}.${why ? ` ${why}` : ""}`;
}

function inParts(ids) {
  const parts = [];
  for (let place = 0; place < ids.length; place += AT_ONCE) parts.push({ bookings: ids.slice(place, place + AT_ONCE) });
  return parts;
}
