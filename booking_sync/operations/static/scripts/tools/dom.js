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
  const folded = () => [...document.querySelectorAll("details[data-key]")];
  const open = new Map(folded().map((each) => [each.dataset.key, each.open]));
  const again = refocus(document.activeElement);
  render();
  for (const each of folded()) if (open.has(each.dataset.key)) each.open = open.get(each.dataset.key);
  again();
}

// Afterwards gives the focus to what is now where the focused element was, if that is gone: the same button, link or
// fold of the same part of the page.
function refocus(focused) {
  const part = focused?.closest("[id]")?.id;
  const likeness = (each) => [each.tagName, each.dataset.key || each.getAttribute("href") || each.textContent].join(" ");
  if (!part || focused.id) return () => {};
  const like = likeness(focused);
  return () => {
    if (focused.isConnected) return;
    const all = at(part)?.querySelectorAll("a, button, summary, input") || [];
    const place = [...all].find((each) => likeness(each) === like);
    if (place) place.focus({ preventScroll: true });
  };
}
