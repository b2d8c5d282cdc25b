"use strict";
// Orders: each has a button, and says beside the page's title what it did.

// After an order the queue works for a moment; the page looks again by itself this long afterwards.
const LOOK_AGAIN_MILLISECONDS = [1500, 4000, 10000];

// Runs one order at a time per button; a second click while it runs does nothing.
async function order(button, path, body, done, home) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  state.later.forEach(clearTimeout);
  try {
    const words = done(await ask(path, body));
    await refresh(words);
    state.later = LOOK_AGAIN_MILLISECONDS.map((wait) => setTimeout(() => state.key && refresh(words), wait));
  } catch (error) {
    explain(error);
  } finally {
    button.removeAttribute("aria-disabled");
    // The button may be gone with its row; whoever uses a keyboard goes on from the section's title.
    if (!button.isConnected || button.hidden) at(home).focus();
  }
}

function orderButton(text, about, path, body, done, home) {
  const made = make("button", text, { type: "button" });
  made.append(make("span", ` ${about}`, { class: "visually-hidden" }));
  made.addEventListener("click", () => order(made, path, body, done, home));
  return made;
}
