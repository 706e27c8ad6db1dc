// The wallet without a network: a service worker keeps this page and what it is made of, and the page says when it is offline.
(function () {
  "use strict";

  var own = document.currentScript;

  function show(selector, shown) {
    var node = document.querySelector(selector);
    if (node) node.hidden = !shown;
  }
  function tellNetwork() { show("[data-wallet-offline]", !navigator.onLine); }
  tellNetwork();
  window.addEventListener("online", tellNetwork);
  window.addEventListener("offline", tellNetwork);

  if (!("serviceWorker" in navigator)) return;

  function partsOfPage() {
    var seen = { };
    seen[window.location.href.split("#")[0]] = true;
    performance.getEntriesByType("resource").forEach(function (entry) {
      if (entry.name.indexOf(window.location.origin + "/") === 0) seen[entry.name.split("#")[0]] = true;
    });
    return Object.keys(seen);
  }

  navigator.serviceWorker.addEventListener("message", function (event) {
    if (event.data && event.data.kept) show("[data-wallet-kept]", true);
  });
  window.addEventListener("load", function () {
    // Where a browser refuses (private windows, settings), the page is what it was: online only.
    navigator.serviceWorker.register(own.dataset.worker, { scope: own.dataset.scope }).then(function () {
      return navigator.serviceWorker.ready;
    }).then(function (registration) {
      if (navigator.onLine) registration.active.postMessage({ keep: partsOfPage() });
      else show("[data-wallet-kept]", true);
    }).catch(function () { show("[data-wallet-kept]", false); });
  });
})();
