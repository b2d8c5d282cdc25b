"use strict";
// What every view is made of. Whatever the services and people wrote gets into the page as text, never as markup.

const at = (id) => document.getElementById(id);

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function when(moment) {
  const time = new Date(moment);
  return moment && !Number.isNaN(time.getTime()) ? time.toLocaleString() : "";
}

function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

// A table by columns of [heading, content of a row, short]; content is text or an element.
function table(caption, columns, rows) {
  const head = make("tr", "", { role: "row" });
  for (const [heading] of columns) head.append(make("th", heading, { scope: "col", role: "columnheader" }));
  const body = make("tbody", "", { role: "rowgroup" });
  for (const row of rows) {
    const line = make("tr", "", { role: "row" });
    for (const [heading, content, short] of columns) {
      const told = content(row);
      const cell = make("td", "", { role: "cell", "data-label": heading });
      if (short) cell.className = "short";
      cell.append(told);
      line.append(cell);
    }
    body.append(line);
  }
  const headGroup = make("thead", "", { role: "rowgroup" });
  headGroup.append(head);
  const made = make("table", "", { role: "table" });
  made.append(make("caption", caption, { class: "visually-hidden" }), headGroup, body);
  const box = make("div", "", { class: "scroll" });
  box.append(made);
  return box;
}

function fill(id, section, content, empty) {
  const place = at(id);
  if (section.problem) {
    place.replaceChildren(make("p", section.problem, { class: "notice warning" }));
  } else {
    const made = content();
    place.replaceChildren(made || make("p", empty, { class: "quiet" }));
  }
}

function bookingLink(link, text) {
  // Only ever an address of Dynamics 365; anything else stays text.
  if (!/^https:\/\//.test(link)) return text;
  const made = make("a", text, { href: link, target: "_blank", rel: "noopener noreferrer" });
  made.append(make("span", " (opens Dynamics 365)", { class: "visually-hidden" }));
  return made;
}
