"use strict";
// Times as the reader's own clock shows them. Their zone stands once, in the page's header.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function when(moment) {
  const time = new Date(moment);
  return moment && !Number.isNaN(time.getTime()) ? time.toLocaleString() : "";
}

function dayOf(moment) {
  const time = new Date(moment);
  return moment && !Number.isNaN(time.getTime()) ? time.toLocaleDateString() : "";
}

// How long something lasts or lasted, roughly, such as "3 min".
function span(milliseconds) {
  if (milliseconds < MINUTE) return `${Math.max(0, Math.round(milliseconds / SECOND))} s`;
  if (milliseconds < 2 * HOUR) return `${Math.round(milliseconds / MINUTE)} min`;
  if (milliseconds < 48 * HOUR) return `${Math.round(milliseconds / HOUR)} h`;
  return `${Math.round(milliseconds / (24 * HOUR))} days`;
}

function ago(moment) {
  return span(Date.now() - new Date(moment).getTime());
}

// Such as "Europe/Berlin (GMT+1)".
function zoneName() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" }).formatToParts(new Date());
  const offset = parts.find((part) => part.type === "timeZoneName")?.value || "";
  return offset && offset !== zone ? `${zone} (${offset})` : zone;
}
