"use strict";
// Asks again, by itself too, and says how old is what one sees.

const STALE_MILLISECONDS = 120000;
const TICK_MILLISECONDS = 5000;
const BY_ITSELF_MILLISECONDS = 15000;

// Shows the view anew because somebody asked, or gave an order; `words` are announced.
async function refresh(words = "") {
  const asked = ++state.asked;
  const route = currentRoute();
  at("refresh").textContent = "Refreshing…";
  at("content").setAttribute("aria-busy", "true");
  try {
    const show = await views.get(route.name).load(route);
    if (asked !== state.asked) return; // a later question is under way
    seen(show);
    trouble("");
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

// The same without a word, where nobody asked: only what has changed is shown anew.
async function refreshByItself() {
  const route = currentRoute();
  const { loadQuietly, every = BY_ITSELF_MILLISECONDS } = views.get(route.name);
  const due = state.seen && Date.now() - state.seen >= every;
  const busy = state.orders || at("content").hasAttribute("aria-busy");
  if (!loadQuietly || !due || busy || !state.key || state.paused || document.hidden) return;
  const asked = ++state.asked;
  try {
    const show = await loadQuietly(route);
    if (asked === state.asked) seen(show);
  } catch (error) {
    // Whoever did not ask is not told at once: what is two minutes old says so.
    if (asked === state.asked && error instanceof WrongKey) explain(error);
  }
}

function seen(show) {
  state.seen = Date.now();
  keepingPlace(show);
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
  at("age").textContent = state.seen
    ? `As of ${new Date(state.seen).toLocaleTimeString()}, times in ${zoneName()}`
    : "";
  at("content").hidden = !state.key || !state.seen;
  refreshByItself().finally(() => {
    if (state.seen) at("stale").hidden = Date.now() - state.seen < STALE_MILLISECONDS;
  });
}

function pause(paused) {
  state.paused = paused;
  at("pause").textContent = paused ? "Go on refreshing" : "Pause";
  at("pause").setAttribute("aria-pressed", String(paused));
  if (!paused) tick();
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
