// Pages of campaigns: lists that refresh while they are seen, and value suggestions that follow the chosen fact.
(function () {
  "use strict";

  // data-refresh="10": ask htmx every so many seconds, but never while the page is hidden or somebody is inside the list.
  window.setInterval(function () {
    if (document.visibilityState !== "visible" || !window.htmx) return;
    var now = Date.now();
    document.querySelectorAll("[data-refresh]").forEach(function (node) {
      var due = Number(node.dataset.refreshed || 0) || (node.dataset.refreshed = String(now), now);
      if (now - due < Number(node.dataset.refresh) * 1000 || node.contains(document.activeElement)) return;
      node.dataset.refreshed = String(now);
      window.htmx.trigger(node, "refresh");
    });
  }, 1000);

  // A row of the audience: suggest the values that the typed fact really has.
  document.addEventListener("input", function (event) {
    var row = event.target.closest(".audience-row");
    if (!row || !event.target.name || !/-fact$/.test(event.target.name)) return;
    var value = row.querySelector("input[name$='-value']");
    if (value) value.setAttribute("list", "values-" + event.target.value.trim());
  });
})();
