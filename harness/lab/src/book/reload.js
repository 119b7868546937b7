// Reloads the page when the site has changed.
"use strict";
(() => {
  let first;
  const changes = new EventSource("/-/changes");
  changes.onmessage = (event) => {
    first ??= event.data;
    if (event.data !== first) location.reload();
  };
  // Chromium keeps the connection of a page that is left open in its cache, and has only six for a host.
  addEventListener("pagehide", () => changes.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
