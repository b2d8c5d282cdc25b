"use strict";
// The overview's section on what comes back from Outlook: withheld deletions, with their button, proposals, overruled moves.

function taken({ queued: count, stopped }) {
  return `${plural(count, "deletion is", "deletions are")} looked at once more, and decided.${stopped ? " Stopped there." : ""}`;
}

function takeDeletions({ mailbox, ids }) {
  const bodies = async () => inParts(ids).map((part) => ({ ...part, deletions: true }));
  return { key: `deletions-${mailbox}`, home: "back-title", path: "resync", bodies, done: taken };
}

function withheldGroup(group) {
  const { technician, technicianId, count, bookings, mailbox } = group;
  const whose = technician || mailbox;
  const box = make("div", "", { class: "group" });
  const title = make("p", "");
  title.append(make("strong", plural(count, "event is", "events are")), " gone from the calendar of ",
    technicianName({ technicianId, technician: whose }), ". Nothing was cancelled or made anew.");
  const step = make("p", "", { class: "step" });
  step.append(make("strong", "Next: "), "Ask whether that was meant. If not, restore the events from Outlook's deleted items. If it was, " +
    "take the deletions: each is then decided as the settings have it.");
  const details = make("details", "", { "data-key": `withheld-${mailbox}` });
  details.append(make("summary", `Which ${plural(count, "booking", "bookings")}`), changesTable(`Deleted in the calendar of ${whose}`, bookings));
  if (count > bookings.length) details.append(make("p", `And ${count - bookings.length} more.`, { class: "quiet" }));
  box.append(title, step, orderButton("Take these deletions", `of ${whose}`, takeDeletions(group)), details);
  return box;
}

function changesTable(caption, changes) {
  return table(caption, [
    ["Booking", bookingName],
    ["Technician", technicianName],
    ["Starts", (change) => when(change.starts), true],
    ["The row tells", (change) => change.told || "Nothing"],
    ["Changed", (change) => when(change.modified), true],
  ], changes);
}

function foldOf(key, title, changes, count) {
  if (!changes.length) return [];
  const details = make("details", "", { "data-key": key });
  details.append(make("summary", title), changesTable(title, changes));
  if (count > changes.length) details.append(make("p", `And ${count - changes.length} more.`, { class: "quiet" }));
  return [details];
}

function showWayBack({ wayBack }) {
  at("back-part").hidden = !wayBack.problem && !wayBack.on;
  fill("back", wayBack, () => {
    if (!wayBack.on) return null;
    const { withheld, proposed, proposals, overruled, more } = wayBack;
    const parts = [
      ...withheld.map(withheldGroup),
      ...foldOf("proposed", `${plural(proposals, "proposal", "proposals")} for a dispatcher`, proposed, proposals),
      ...foldOf("overruled", `${plural(overruled.length, "move was", "moves were")} overruled`, overruled, overruled.length),
    ];
    if (!parts.length) return null;
    if (more) parts.push(make("p", "There are more; these changed last.", { class: "quiet" }));
    const box = make("div", "");
    box.append(...parts);
    return box;
  }, "Nothing waits for anybody.");
  placeNotes("back-title");
}
