"use strict";
// Asks again, and says how old is what one sees.

const STALE_MILLISECONDS = 120000;
const TICK_MILLISECONDS = 5000;

async function refresh(words = "") {
  const asked = ++state.asked;
  const route = currentRoute();
  at("refresh").textContent = "Refreshing…";
  at("content").setAttribute("aria-busy", "true");
  try {
    const show = await views.get(route.name).load(route);
    if (asked !== state.asked) return; // a later question is under way
    state.seen = Date.now();
    trouble("");
    show();
    announce(words || "Up to date.");
  } catch (error) {
    if (asked === state.asked) explain(error);
  } finally {
    if (asked === state.asked) {
      at("refresh").textContent = "Refresh";
      at("content").removeAttribute("aria-busy");
    }
    tick();
  }
}

function explain(error) {
  announce("");
  if (error instanceof WrongKey) {
    lock(error.message);
  } else {
    trouble(error.message);
  }
}

function tick() {
  const age = Date.now() - state.seen;
  at("stale").hidden = !state.seen || age < STALE_MILLISECONDS;
  at("age").textContent = state.seen ? `As of ${new Date(state.seen).toLocaleTimeString()}` : "";
  at("content").hidden = !state.key || !state.seen;
}

// Goes where the address now says; what was seen of another view is no answer there.
async function go() {
  if (!state.key) return;
  state.seen = 0;
  state.later.forEach(clearTimeout);
  showView(currentRoute());
  tick();
  announce("Loading…");
  await refresh();
  if (state.key && state.seen) at(views.get(currentRoute().name).home).focus();
}
