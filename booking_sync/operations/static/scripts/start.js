"use strict";
// The key: asked for, kept in this tab, forgotten. And what listens to whom.

function lock(words = "") {
  state.key = "";
  state.asked += 1;
  state.later.forEach(clearTimeout);
  sessionStorage.removeItem(KEY);
  at("content").hidden = at("tools").hidden = true;
  at("unlock").hidden = false;
  trouble(words);
  at("key").value = "";
  at("key").focus();
}

async function unlock(key) {
  state.key = key;
  at("unlock").hidden = true;
  at("tools").hidden = false;
  trouble("");
  await go();
  if (state.key && !BY_ENTRA) sessionStorage.setItem(KEY, key);
}

at("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  at("key").value = "";
  if (!/^[\x21-\x7e]+$/.test(key)) lock("That can't be a function key: copy it again, without spaces.");
  else unlock(key);
});
at("resync").addEventListener("submit", (event) => {
  event.preventDefault();
  const bookings = at("booking").value.split(/[\s,;]+/).filter(Boolean);
  fieldError("booking", "");
  give(event.submitter || at("resync").querySelector("button"), {
    ...resync("by-id", async () => [{ bookings }], (error) => {
      fieldError("booking", error.message);
      at("booking").focus();
    }),
    home: "resync-title",
  });
});
at("pause").addEventListener("click", () => pause(!state.paused));
at("refresh").addEventListener("click", () => refresh());
at("forget").addEventListener("click", () => lock());
at("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment says which view is shown
  at("main").focus();
});
window.addEventListener("hashchange", go);
setInterval(tick, TICK_MILLISECONDS);
at("forget").hidden = BY_ENTRA;
at("sign-out").hidden = !BY_ENTRA;
if (BY_ENTRA) unlock(SIGNED_IN);
else if (state.key) unlock(state.key);
else lock();
