"use strict";
// What every view is made of. Whatever the services and people wrote gets into the page as text, never as markup.

const at = (id) => document.getElementById(id);

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
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

// Puts new content into the page and leaves what one has opened open, and the focus where it was.
function keepingPlace(render) {
  const keyed = () => [...document.querySelectorAll("[data-key]")];
  const open = new Map(keyed().filter((each) => each.tagName === "DETAILS").map((each) => [each.dataset.key, each.open]));
  const focused = document.activeElement?.dataset?.key;
  render();
  for (const each of keyed()) {
    if (each.tagName === "DETAILS" && open.has(each.dataset.key)) each.open = open.get(each.dataset.key);
    if (focused && each.dataset.key === focused) each.focus({ preventScroll: true });
  }
}
