"use strict";
// What the page says to everybody, screen readers included.

function announce(words) {
  at("announcer").textContent = words;
}

function trouble(words, severity = "failing") {
  at("trouble").replaceChildren(...(words ? [make("p", words, { class: `notice ${severity}` })] : []));
}

// What stands beside a field that can't be used as it is; empty words take it away.
function fieldError(id, words) {
  at(`${id}-error`).textContent = words;
  at(`${id}-error`).hidden = !words;
  if (words) at(id).setAttribute("aria-invalid", "true");
  else at(id).removeAttribute("aria-invalid");
}
