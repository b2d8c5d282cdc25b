"use strict";
// The top of the overview: one sentence, what is wrong with it, and the numbers that tell health.

function showTop({ headline }) {
  at("health-status").textContent = headline.words;
  at("health-status").className = `status ${headline.severity}`;
  const { since, people, step } = headline;
  const facts = [
    since ? `Since ${when(since)}.` : "",
    people ? `It concerns ${plural(people, "technician", "technicians")}.` : "",
  ].filter(Boolean).join(" ");
  at("health-facts").textContent = facts;
  at("health-facts").hidden = !facts;
  at("health-step").replaceChildren(...(step ? [make("strong", "Next: "), step] : []));
  at("health-step").hidden = !step;
}

function showFindings({ health }) {
  at("findings").replaceChildren(
    ...health.findings.map(({ severity, words, remedy, since }) => {
      const said = make("li", `${severity === "failing" ? "Failing" : "Warning"}: ${words}`, { class: `notice ${severity}` });
      const more = [remedy, since ? `Since ${when(since)}.` : ""].filter(Boolean).join(" ");
      if (more) said.append(make("span", more, { class: "remedy" }));
      return said;
    }),
  );
}

function showFigures(status) {
  at("figures").replaceChildren(...figuresOf(status).map(([name, value, more]) => {
    const pair = make("div", "");
    pair.append(make("dt", name), make("dd", value));
    if (more) pair.append(make("dd", more, { class: "quiet" }));
    return pair;
  }));
}

function figuresOf({ health, queues, journal, failing, people, catchUp, audit }) {
  const unknown = "Not known";
  return [
    ["Waiting changes", queues.problem ? unknown : String(queues.changes),
      queues.problem || (queues.oldestChange ? `the oldest for ${ago(queues.oldestChange)}` : "")],
    ["Messages given up", queues.problem ? unknown : String(queues.poison)],
    ["Time to event, last hour", ...timeToEvent(journal)],
    ["Changes today", changesToday(journal)],
    ["Failing bookings", failing.problem ? unknown : `${failing.more ? "over " : ""}${failing.count}`],
    ["Technicians who take part", people.problem ? unknown : String(people.inside),
      people.problem ? "" : `of ${people.all} bookable resources`],
    ["Last catch-up", ...lastRun(catchUp)],
    ["Last audit", ...lastRun(audit)],
    ["Secret until", health.secretExpires ? dayOf(health.secretExpires) : unknown,
      health.secretExpires ? "" : "no date in the vault, or no secret"],
  ];
}

function timeToEvent({ problem, trend }) {
  if (problem || !trend) return ["Not known"];
  const { median, slowest } = trend.lastHour;
  return median === null ? ["–", "no change came by webhook"] : [seconds(median), `95 % within ${seconds(slowest)}`];
}

function seconds(value) {
  return value < 10 ? `${value.toFixed(1)} s` : span(value * SECOND);
}

function changesToday({ problem, trend }) {
  if (problem || !trend) return "Not known";
  const midnight = new Date().setHours(0, 0, 0, 0);
  return String(trend.day.filter(({ start }) => new Date(start) >= midnight).reduce((sum, each) => sum + each.changes, 0));
}

function lastRun(run) {
  if (run.problem) return ["Not known"];
  if (!run.finished) return ["None yet"];
  return [`${ago(run.finished)} ago`, run.failed ? "failed" : foundBy(run.tally || {})];
}

// What a run had to mend, in words.
function foundBy(tally) {
  const found = tally.queued || tally.enqueued || 0;
  return found ? `${plural(found, "booking", "bookings")} queued to be mended` : "nothing to mend";
}
