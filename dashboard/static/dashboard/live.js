// Keeps the part of the page with the id "live" true: each message of its WebSocket asks the server for it again.
// A lost socket comes back by itself, after a second at first and after half a minute at the most.
"use strict";

const SOON = 250; // milliseconds: a burst of messages becomes one request
// Milliseconds after a message: a workflow ends a moment after its last task, and no message tells of that.
const AGAIN = [3000, 15000];
let pause = 1000;
let asked = null;
let looks = [];

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
  const socket = new WebSocket(`${scheme}//${location.host}${document.getElementById("live").dataset.socket}`);
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
  document.body.addEventListener("htmx:afterSwap", () => show(socket.readyState === WebSocket.OPEN));
}

connect();
