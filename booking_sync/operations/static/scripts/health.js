"use strict";
// The overview's sections on how the app is: health, runs of timers, throttled mailboxes.

function showHealth({ headline, health, queues }) {
  at("health-status").textContent = headline.words;
  at("health-status").className = `status ${headline.severity}`;
  at("findings").replaceChildren(
    ...health.findings.map(({ severity, words, remedy }) => {
      const said = make("li", `${severity === "failing" ? "Failing" : "Warning"}: ${words}`, { class: `notice ${severity}` });
      if (remedy) said.append(make("span", remedy, { class: "remedy" }));
      return said;
    }),
  );
  const figures = queues.problem
    ? [["Queues", queues.problem]]
    : [["Waiting changes", String(queues.changes)], ["Messages given up", String(queues.poison)]];
  at("figures").replaceChildren(...figures.map(([name, value]) => {
    const pair = make("div", "");
    pair.append(make("dt", name), make("dd", value));
    return pair;
  }));
}

function showThrottled({ journal }) {
  fill("throttled", journal, () => journal.throttled.length && table("Throttled mailboxes", [
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
