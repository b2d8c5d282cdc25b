"use strict";
// The overview's sections on who takes part, and on how changes ended.

function showPeople({ people }) {
  fill("people", people, () => {
    if (!people.inside) return null;
    const box = make("div", "");
    const names = make("ul", "", { class: "names" });
    names.append(...people.technicians.map(({ technicianId, name }) => {
      const item = make("li", "");
      item.append(technicianName({ technicianId, technician: name || "(without a name)" }));
      return item;
    }));
    const details = make("details", "", { "data-key": "people" });
    details.append(make("summary", "Their names"), names);
    if (people.more > 0) details.append(make("p", `And ${people.more} more.`, { class: "quiet" }));
    box.append(make("p", `${people.inside} of ${plural(people.all, "bookable resource", "bookable resources")}.`), details);
    return box;
  }, "Nobody: nothing shows in Outlook.");
}

function showOutcomes({ journal }) {
  fill("outcomes", journal, () => journal.outcomes.length && table("Last outcomes", [
    ["Time", ({ moment }) => when(moment), true],
    ["Booking", bookingName],
    ["Outcome", ({ outcome }) => outcome, true],
    ["Detail", ({ reason }) => reason],
    ["Correlation id", ({ correlationId }) => correlationId],
  ], journal.outcomes), "None that is known.");
}
