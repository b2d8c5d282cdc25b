"use strict";
// What the page says to everybody, screen readers included.

function announce(words) {
  at("announcer").textContent = words;
}

function trouble(words, severity = "failing") {
  at("trouble").replaceChildren(...(words ? [make("p", words, { class: `notice ${severity}` })] : []));
}
