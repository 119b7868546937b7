// Reloads the page when the site is no longer the one that it is of: also one that changed before this ran.
"use strict";
(() => {
  const { version } = document.currentScript.dataset;
  const changes = new EventSource("/-/changes");
  changes.onmessage = (event) => {
    if (event.data !== version) location.reload();
  };
  // Chromium keeps the connection of a page that is left open in its cache, and has only six for a host.
  addEventListener("pagehide", () => changes.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
