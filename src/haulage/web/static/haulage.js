// What pages cannot do by themselves: theme, times in the reader's zone, the wizard's start, a run as it goes on.
"use strict";
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

one("#theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  localStorage.setItem("haulage-theme", root.dataset.bsTheme);
});

const tellTimes = (within) => {
  for (const time of all("time[datetime]", within)) {
    time.title = time.title || time.textContent;
    time.textContent = new Date(time.dateTime).toLocaleString();
  }
};
tellTimes(document);

// Menus close with Escape, and when one goes elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of all("details.menu[open]")) {
    menu.open = false;
    one("summary", menu).focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// The wizard: nothing can be started before both sides are chosen.
const place = (side) => one(`#place-${side}`);
const chosen = (side) => place(side)?.value.trim() ?? "";
const tellStart = () => {
  const button = one("#start-button");
  if (!button) return;
  const missing = ["source", "destination"].filter((side) => !chosen(side));
  for (const side of ["source", "destination"]) one(`#start-${side}`).textContent = chosen(side) || "not chosen yet";
  button.disabled = missing.length > 0;
  const told = missing.length ? `Select a ${missing.join(" and ")} to start.` : "Both sides are chosen.";
  if (one("#start-told").textContent !== told) one("#start-told").textContent = told;
  button.textContent = one("#on-schedule").checked ? "Schedule copy" : "Start copy";
  if (one("#continue")) one("#continue").hidden = all("[data-many]").length < 2;
};
document.addEventListener("change", (event) => {
  const side = event.target.dataset?.side; // a folder, or one of the users, was chosen
  if (side && place(side)) place(side).value = event.target.value;
  tellStart();
});
document.addEventListener("input", tellStart);
document.addEventListener("htmx:afterSettle", (event) => {
  tellTimes(event.target);
  for (const radio of all("input[data-side]:checked", event.target)) {
    if (!chosen(radio.dataset.side)) place(radio.dataset.side).value = radio.value;
  }
  tellStart();
});
tellStart();

// Folders open once, and are shown or hidden from then on; the right and left arrow keys do so too.
const turn = (button, open) => {
  button.setAttribute("aria-expanded", String(open));
  button.closest("li").querySelector(":scope > .below").hidden = !open;
};
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".open-folder");
  if (button) turn(button, button.getAttribute("aria-expanded") !== "true");
});
document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.(".open-folder");
  if (!button) return;
  const open = button.getAttribute("aria-expanded") === "true";
  if ((event.key === "ArrowRight" && !open) || (event.key === "ArrowLeft" && open)) button.click();
});

// A run as it goes on. A screen reader is told at most every ten seconds.
const progress = one("#progress[data-events]");
if (progress) {
  let said = 0;
  const source = new EventSource(progress.dataset.events);
  source.addEventListener("progress", (event) => {
    const open = one("details", progress)?.open;
    progress.innerHTML = event.data; // made by the server's own template, which escapes what comes from elsewhere
    if (open && one("details", progress)) one("details", progress).open = true;
    if (Date.now() - said > 10000) {
      one("#said").textContent = one("[data-say]", progress)?.textContent ?? "";
      said = Date.now();
    }
  });
  source.addEventListener("ended", () => {
    source.close();
    location.reload();
  });
}
