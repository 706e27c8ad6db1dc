// Blocking on purpose: the theme is set before anything is painted, so the page does not flash.
// Without JavaScript the page follows the system (see `:root:not([data-bs-theme])` in app.css).
(function () {
  "use strict";
  var root = document.documentElement;
  var found = document.cookie.match(/(?:^|;\s*)theme=(light|dark)\b/);
  var choice = found ? found[1] : "auto";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function apply() {
    root.setAttribute("data-theme-choice", choice);
    root.setAttribute("data-bs-theme", choice === "auto" ? (dark.matches ? "dark" : "light") : choice);
    document.dispatchEvent(new CustomEvent("themechange"));
  }

  apply();
  root.classList.add("js");
  dark.addEventListener("change", apply);
  window.setTheme = function (value) {
    choice = value === "light" || value === "dark" ? value : "auto";
    var age = choice === "auto" ? 0 : 31536000;
    var secure = location.protocol === "https:" ? ";secure" : "";
    document.cookie = "theme=" + choice + ";path=/;max-age=" + age + ";samesite=lax" + secure;
    apply();
  };
})();
