// Keeps relative times true while a page stays open, and gives each time a title in the reader's own time zone.
"use strict";

const UNITS = [
  ["d", 86400, 2 * 86400],
  ["h", 3600, 3600],
  ["min", 60, 60],
  ["s", 1, 1],
];

function relative(at) {
  const seconds = (at - Date.now()) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 1) return "now";
  const [name, length] = UNITS.find(([, , from]) => distance >= from);
  const text = `${Math.round(distance / length)} ${name}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

function refresh() {
  for (const element of document.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    element.textContent = relative(at);
    if (!element.dataset.local) {
      element.dataset.local = "yes";
      element.title += `\n${at.toLocaleString([], { dateStyle: "full", timeStyle: "long" })}`;
    }
  }
}

refresh();
setInterval(refresh, 1000);
