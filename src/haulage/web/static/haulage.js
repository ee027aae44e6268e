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

// A form is sent once, however often its button is pressed; going back makes it ready again.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[method=post]:not([hx-post])")) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "true";
  setTimeout(() => delete event.target.dataset.sent, 3000); // what answers with a file stays on the page
});
addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

// A page never holds secrets, so a form of keys is sent behind it: what was typed stays when there is a question left.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-keeps]") || event.defaultPrevented) return;
  event.preventDefault();
  const button = one("button.btn-primary", form);
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = one("#told", page);
    if (!answer.redirected && told) {
      one("#told").replaceWith(told);
      const [typed, offered] = [one("#field-host_key"), one("#field-host_key", page)];
      if (typed && offered) typed.value = offered.value;
      told.focus();
    } else if (answer.redirected) location.assign(answer.url);
    else form.submit();
  } catch {
    form.submit(); // the browser says what is wrong with the network
  } finally {
    delete form.dataset.sent;
    button.disabled = false;
  }
});

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

// When something starts: what is hidden is neither checked nor sent, else it could keep the form back in silence.
const tellHidden = () => {
  for (const part of all(".schedule, .hours, .zone")) {
    const hidden = getComputedStyle(part).display === "none";
    for (const field of all("input, select", part)) field.disabled = hidden;
  }
};
document.addEventListener("change", tellHidden);
addEventListener("pageshow", tellHidden);

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

// A migration: how many users are selected stands on the buttons.
const tellChosen = () => {
  const form = one("#chosen");
  if (!form) return;
  const every = one("#every");
  const boxes = all("input[name=row]");
  for (const box of boxes) box.disabled = every.checked;
  const count = every.checked ? Number(every.dataset.count) : boxes.filter((box) => box.checked).length;
  const users = `${count.toLocaleString("en")} ${count === 1 ? "user" : "users"}`;
  for (const button of all("button[data-verb]", form)) {
    button.disabled = count === 0;
    button.textContent = count ? `${button.dataset.verb} ${users}` : `${button.dataset.verb} users`;
  }
  const told = count ? `${users} selected.` : "Select one or more users.";
  if (one("#chosen-told").textContent !== told) one("#chosen-told").textContent = told;
};
document.addEventListener("change", tellChosen);
addEventListener("pageshow", tellChosen); // going back keeps what was ticked
document.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.target.dataset?.looking;
  if (place) one(place).textContent = "Looking at both sides …";
});

// The actions of a user: fetched when their menu opens, so that they are what is possible then.
const within = (menu, x, y) => {
  const list = one("ul", menu);
  const at = one("summary", menu).getBoundingClientRect();
  list.style.position = "fixed"; // else the table would cut it off
  list.style.left = `${Math.max(8, Math.min(x ?? at.left, innerWidth - list.offsetWidth - 8))}px`;
  list.style.top = `${Math.max(8, Math.min(y ?? at.bottom, innerHeight - list.offsetHeight - 8))}px`;
};
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("details[data-menu]") || !menu.open) return;
  const [x, y] = (menu.dataset.at ?? "").split(" ").filter(Boolean).map(Number);
  delete menu.dataset.at;
  for (const other of all("details.menu[open]")) if (other !== menu) other.open = false;
  within(menu, x, y);
  htmx.ajax("GET", menu.dataset.menu, { target: one("ul", menu), swap: "innerHTML" }).then(() => {
    within(menu, x, y);
    one(".menu-item", menu)?.focus();
  });
}, true);
document.addEventListener("contextmenu", (event) => {
  const menu = event.target.closest?.("tr[id^=user-]") && one("details[data-menu]", event.target.closest("tr"));
  if (!menu || event.target.closest("a, input, ul")) return;
  event.preventDefault();
  menu.dataset.at = `${event.clientX} ${event.clientY}`;
  menu.open = false;
  requestAnimationFrame(() => { menu.open = true; });
});
document.addEventListener("keydown", (event) => {
  const item = event.target.closest?.(".menu .menu-item");
  if (!item || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = all(".menu-item", item.closest("ul"));
  const to = items.indexOf(item) + (event.key === "ArrowDown" ? 1 : -1);
  items.at(to % items.length).focus();
  event.preventDefault();
});

// The summary of a user beside the table.
const panel = one("#panel");
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== panel) return;
  one("#panel-close").hidden = false;
  one("#panel-title").focus();
});
document.addEventListener("click", (event) => {
  if (event.target.id === "panel-close") panel.replaceChildren();
});

// A migration as it goes on: only what changed comes, so that focus and selection stay.
const work = one("#work[data-events]");
if (work) {
  let said = 0;
  const source = new EventSource(work.dataset.events);
  source.addEventListener("changed", (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const at = document.getElementById(id);
      const made = document.createElement("template");
      made.innerHTML = html; // made by the server's own templates, which escape what comes from elsewhere
      tellTimes(made.content);
      if (at?.tagName === "TR") {
        const cells = all("td", made.content);
        if (cells.length) at.className = `row-${cells[0].dataset.kind}`;
        all("td[data-live]", at).forEach((cell, number) => cell.replaceWith(cells[number]));
        htmx.process(at);
      } else at?.replaceChildren(made.content);
    }
    if (Date.now() - said > 10000) {
      one("#said").textContent = one("[data-say]", work)?.textContent ?? "";
      said = Date.now();
    }
  });
  source.addEventListener("ended", () => {
    source.close();
    for (const form of all("[data-while-live]")) form.hidden = true;
    one("#said").textContent = one("[data-say]", work)?.textContent ?? "";
  });
}

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
