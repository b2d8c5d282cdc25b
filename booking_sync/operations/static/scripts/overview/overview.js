"use strict";
// The first view: whether all is well, and what there is to do. Its sections are in files of their own.

function showOverview(status) {
  showTop(status);
  showFindings(status);
  showFigures(status);
  showTrend(status);
  showPoison(status);
  showFailing(status);
  showWayBack(status);
  showPeople(status);
  showThrottled(status);
  showRuns(status);
  showOutcomes(status);
  nameBookings();
}

addView(OVERVIEW, {
  title: "",
  home: "health-title",
  load: async () => {
    const status = await ask("status");
    return () => showOverview(status);
  },
  loadQuietly: async () => {
    const status = await ask("status", undefined, tags.get("status"));
    return () => status && showOverview(status);
  },
});
