"use strict";
// Asks the app, with the key that this tab keeps.

const KEY = "booking-sync-function-key";
const HERE = location.pathname.replace(/\/+$/, "");

// Where people sign in to Entra, the platform has seen to it before the page came, by a cookie that no script can read.
const BY_ENTRA = document.body.dataset.signIn === "entra";
const SIGNED_IN = "signed in";

const state = { key: sessionStorage.getItem(KEY) || "", seen: 0, asked: 0, later: [], orders: 0, paused: false };
// By path: the entity tag of the last answer.
const tags = new Map();

class WrongKey extends Error {}

// What the app answers. With an entity tag that is known: null when all is as it was.
async function ask(path, body, known = "") {
  const options = {
    headers: BY_ENTRA ? { "X-Requested-With": "XMLHttpRequest" } : { "x-functions-key": state.key },
    cache: "no-store",
    credentials: BY_ENTRA ? "same-origin" : "omit",
    redirect: "error",
  };
  if (known) {
    options.headers["If-None-Match"] = known;
  }
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`${HERE}/${path}`, options);
  } catch {
    const ended = BY_ENTRA ? " If your sign-in has ended, load the page again." : "";
    throw new Error(`The app can't be reached. Check your connection, then refresh.${ended}`);
  }
  if (answer.status === 401 || answer.status === 403) {
    const told = await answer.json().catch(() => ({}));
    if (told.problem) throw new Error(told.problem);
    throw BY_ENTRA ? new Error("You are not signed in: load the page again.") : new WrongKey("The app does not accept this key.");
  }
  if (answer.status === 304) return null;
  const told = await answer.json().catch(() => null);
  if (told === null) throw new Error(`The app answered ${answer.status} without a word; see its log.`);
  if (!answer.ok) throw Object.assign(new Error(told.problem || `The app answered ${answer.status}.`), { told });
  if (answer.headers.has("ETag")) tags.set(path, answer.headers.get("ETag"));
  return told;
}
