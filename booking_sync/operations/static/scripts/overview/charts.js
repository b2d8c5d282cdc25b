"use strict";
// Charts of the last day and week. They are drawn by this script as SVG, in the colours of the scheme; what they show
// stands in words below each, and number by number in a table behind it.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480, HEIGHT = 96, GAP = 0.2;
const CHARTS = [
  { title: "Changes", series: [["changes", "Changes", "bar"]], write: String },
  { title: "Time to event", series: [["slowest", "95 % within", "bar pale"], ["median", "Half within", "bar"]], write: seconds },
  { title: "Failures", series: [["failed", "Failures", "bar failing"]], write: String },
  { title: "Throttled", series: [["throttled", "Changes that a service had wait", "bar warning"]], write: String },
];
const range = { name: "day" };

function draw(tag, attributes, ...inside) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...inside);
  return element;
}

function slotName(start) {
  const time = new Date(start);
  return range.name === "day"
    ? time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : time.toLocaleString([], { weekday: "short", day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit" });
}

function bars(points, { series, write }) {
  const top = Math.max(...points.flatMap((point) => series.map(([name]) => point[name] || 0)), 0) || 1;
  const step = WIDTH / points.length;
  return series.flatMap(([name, label, style]) => points.map((point, place) => {
    const height = ((point[name] || 0) / top) * (HEIGHT - 4);
    const title = draw("title", {});
    title.textContent = `${slotName(point.start)}: ${label} ${point[name] === null ? "–" : write(point[name])}`;
    return draw("rect", {
      class: style, x: (place + GAP / 2) * step, y: HEIGHT - height, width: step * (1 - GAP), height,
    }, title);
  }));
}

function summaryOf(points, { title, series: [[name]], write }) {
  const known = points.filter((point) => point[name]);
  const over = range.name === "day" ? "in the last day" : "in the last week";
  if (!known.length) return `None ${over}.`;
  const most = known.reduce((one, other) => (other[name] > one[name] ? other : one));
  if (title === "Time to event") return `Slowest at ${slotName(most.start)}: 95 % within ${write(most[name])}.`;
  const all = known.reduce((sum, point) => sum + point[name], 0);
  return `${all} ${over}, most at ${slotName(most.start)}: ${write(most[name])}.`;
}

function chart(points, kind) {
  const figure = make("figure", "");
  const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", preserveAspectRatio: "none" },
    ...bars(points, kind), draw("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }));
  const words = make("figcaption", "");
  words.append(make("strong", kind.title), ` ${summaryOf(points, kind)}`);
  const ends = make("p", "", { class: "ends quiet", "aria-hidden": "true" });
  ends.append(make("span", slotName(points[0].start)), make("span", "now"));
  const details = make("details", "", { "data-key": `chart-${kind.title}` });
  details.append(make("summary", `${kind.title} in numbers`), table(kind.title, [
    ["From", ({ start }) => slotName(start), true],
    ...kind.series.map(([name, label]) => [label, (point) => (point[name] === null ? "–" : kind.write(point[name])), true]),
  ], points));
  figure.append(words, picture, ends, details);
  return figure;
}

function showTrend({ journal }) {
  const { trend } = journal;
  if (journal.problem || !trend) {
    at("charts").replaceChildren(make("p", journal.problem || "Not known.", { class: "notice warning" }));
    return;
  }
  const show = () => {
    at("charts").replaceChildren(...CHARTS.map((kind) => chart(trend[range.name], kind)));
    for (const name of ["day", "week"]) at(`range-${name}`).setAttribute("aria-pressed", String(name === range.name));
  };
  for (const name of ["day", "week"]) {
    at(`range-${name}`).onclick = () => {
      range.name = name;
      keepingPlace(show);
    };
  }
  show();
}
