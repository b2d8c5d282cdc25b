"use strict";
// The overview's sections on throttled mailboxes and on runs of timers.

function showThrottled({ journal, people }) {
  const owners = new Map((people.technicians || []).map((each) => [each.mailbox, each]));
  const owner = ({ technicianId, name }) => technicianName({ technicianId, technician: name });
  fill("throttled", journal, () => journal.throttled.length && table("Throttled mailboxes", [
    ["Technician", ({ mailbox }) => (owners.has(mailbox) ? owner(owners.get(mailbox)) : "Not known")],
    ["Mailbox (Entra object id)", ({ mailbox }) => mailbox || "Graph as a whole"],
    ["Until", ({ until }) => when(until), true],
  ], journal.throttled), "None.");
}

function showRuns({ catchUp, audit, nearAudit, health }) {
  const runs = [
    ["Catch-up", catchUp, "catch-up"],
    ["Audit", audit, "audit"],
    ["Audit of these days", nearAudit, "near-audit"],
  ];
  const due = (timer) => {
    const found = (health.timers || []).find((each) => each.timer === timer);
    if (!found || !found.due) return "Not known";
    return found.overdue ? make("span", `Overdue since ${when(found.due)}`, { class: "notice failing" }) : when(found.due);
  };
  at("runs").replaceChildren(table("Last runs", [
    ["Run", ([name]) => name, true],
    ["Last", ([, run]) => when(run.finished) || (run.problem ? "Not known" : "No run is known"), true],
    ["Due", ([, , timer]) => due(timer), true],
    ["Result", ([, run]) => run.problem || (run.failed ? `Failed: ${run.failed}` : tally(run.tally || {}))],
  ], runs));
}

function tally(counts) {
  return Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
}
