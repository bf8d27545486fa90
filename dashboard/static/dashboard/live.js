// Keeps the part of the page with the id "live" true: each message of its WebSocket asks the server for it again.
// A lost socket comes back by itself, after a second at first and after half a minute at the most.
"use strict";

const SOON = 250; // milliseconds: a burst of messages becomes one request
// Milliseconds after a message: a workflow ends a moment after its last task, and no message tells of that.
const AGAIN = [3000, 15000];
let socket = null;
let pause = 1000;
let asked = null;
let looks = [];
// What was read out last: somebody who does not see the page is told of a new status, and of nothing else.
let told = status();

function status() {
  return document.querySelector("#live .lead [data-status]")?.textContent.trim() ?? "";
}

function tell() {
  if (status() === told) return;
  told = status();
  document.getElementById("live-said").textContent = told;
}

function show(on) {
  document.getElementById("live-dot")?.classList.toggle("on", on);
  const word = document.getElementById("live-word");
  if (word) word.textContent = on ? "live" : "connecting again";
}

function refresh() {
  if (asked === null) {
    asked = setTimeout(() => {
      asked = null;
      htmx.trigger("#live", "news");
    }, SOON);
  }
}

function news() {
  refresh();
  looks.forEach(clearTimeout);
  looks = AGAIN.map((wait) => setTimeout(refresh, wait));
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}${document.getElementById("live").dataset.socket}`);
  socket.onopen = () => {
    pause = 1000;
    show(true);
    // What happened between the page and the socket, or while it was lost.
    news();
  };
  socket.onmessage = (message) => {
    // The socket of all tasks: only those that the page shows.
    const shown = document.getElementById("live").dataset.tasks;
    if (!shown || shown.split(",").includes(String(JSON.parse(message.data).task))) news();
  };
  socket.onclose = () => {
    show(false);
    setTimeout(connect, pause * (0.5 + Math.random()));
    pause = Math.min(2 * pause, 30000);
  };
}

// Twice: while it settles, htmx gives elements the attributes back that the server sent.
for (const moment of ["htmx:afterSwap", "htmx:afterSettle"]) {
  document.body.addEventListener(moment, () => {
    show(socket.readyState === WebSocket.OPEN);
    tell();
  });
}

connect();
