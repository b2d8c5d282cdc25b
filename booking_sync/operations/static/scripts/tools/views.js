"use strict";
// Which view is shown: the address' fragment says it, as in #/technician/<id> or #/search?q=…; none is the overview.
//
// A view has
//   title       the heading that stands over it, for the window's title
//   home        the id of the heading that gets the focus when one comes to the view
//   load(route) asks the app, and returns a function that shows the answer
//   loadQuietly(route), optional, is the same for a view that refreshes itself, `every` so many milliseconds
// and lies in the element #view-<name>. It can't be found by a search engine or in a server's log: browsers don't
// send fragments.

const OVERVIEW = "overview";
const views = new Map();

function addView(name, view) {
  views.set(name, view);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// What the address asks for: the view's name, what stands behind it, and its query.
function currentRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name, argument] = path.split("/").map(decoded);
  return {
    name: views.has(name) ? name : OVERVIEW,
    argument: argument || "",
    query: new URLSearchParams(query || ""),
  };
}

// The address of a view, for links.
function addressOf(name, argument = "", query = {}) {
  const search = new URLSearchParams(query).toString();
  return `#/${name}${argument ? `/${encodeURIComponent(argument)}` : ""}${search ? `?${search}` : ""}`;
}

function showView(route) {
  for (const name of views.keys()) at(`view-${name}`).hidden = name !== route.name;
  const { title } = views.get(route.name);
  document.title = title ? `${title} · booking_sync operations` : "booking_sync operations";
}
