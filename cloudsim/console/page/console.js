// Shows the console that the page's address has the token of. The token works once, so it is taken out of the address
// at once: it is not in the history, and a reload says so instead of failing.

import RFB from "../core/rfb.js";

const element = (id) => document.getElementById(id);
const given = new URLSearchParams(location.search);
const token = given.get("token");
history.replaceState(null, "", location.pathname);

let rfb = null;
let last = "";

function say(text, live) {
  element("state").textContent = text;
  document.body.dataset.state = live ? "connected" : "disconnected";
  for (const id of ["paste", "cad"]) {
    element(id).disabled = !live;
  }
}

function connect() {
  const url = new URL("/websockify", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("token", token);
  if (given.get("extra")) {
    url.searchParams.set("extra", given.get("extra"));
  }
  const socket = new WebSocket(url, ["binary"]);
  socket.addEventListener("close", (event) => { last = event.reason; });
  rfb = new RFB(element("screen"), socket);
  rfb.scaleViewport = true;
  rfb.showDotCursor = given.get("show_dot") === "true";
  rfb.addEventListener("connect", () => { say("connected", true); rfb.focus(); });
  rfb.addEventListener("desktopname", (event) => {
    element("name").textContent = event.detail.name;
    document.title = event.detail.name;
  });
  rfb.addEventListener("disconnect", () => say(`disconnected: ${last || "the connection was lost or refused"}`, false));
}

// A text screen has no clipboard: what is pasted is typed.
function type(text) {
  for (const letter of text.replace(/\r\n?/g, "\n")) {
    const code = letter.codePointAt(0);
    if (letter === "\n") {
      rfb.sendKey(0xff0d, "Enter");
    } else if (letter === "\t") {
      rfb.sendKey(0xff09, "Tab");
    } else {
      rfb.sendKey(code < 0x100 ? code : 0x01000000 | code, null);
    }
  }
}

element("cad").addEventListener("click", () => { rfb.sendCtrlAltDel(); rfb.focus(); });
element("paste").addEventListener("click", () => element("dialog").showModal());
element("dialog").addEventListener("close", () => {
  if (element("dialog").returnValue === "send") {
    type(element("text").value);
  }
  element("text").value = "";
  rfb.focus();
});
element("full").addEventListener("click", () => {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    document.documentElement.requestFullscreen();
  }
});

say("connecting", false);
if (token) {
  connect();
} else {
  say("this console link has been used: ask for another one", false);
}
