// What every page needs beyond plain HTML. Each part only improves something that works without it.
(function () {
  "use strict";

  var texts = {};
  function text(key) { return texts[key] || ""; }

  function make(tag, className, content) {
    var node = document.createElement(tag);
    if (className) node.className = className;
    if (content) node.textContent = content;
    return node;
  }

  // --- Telling people: a line for screen readers, a toast for everybody ------------------------------------------
  function announce(message) {
    var region = document.getElementById("status");
    if (!region) return;
    region.textContent = "";
    window.setTimeout(function () { region.textContent = message; }, 50);
  }

  function toast(message, level, detail) {
    var region = document.getElementById("toasts");
    if (!region || !message) return;
    var box = make("div", "app-toast app-toast-" + (level || "info"));
    var body = make("div", "app-toast-body");
    body.appendChild(make("div", "app-toast-text", message));
    if (detail) body.appendChild(make("div", "app-toast-detail", detail));
    var close = make("button", "btn-close");
    close.type = "button";
    close.setAttribute("aria-label", text("close"));
    close.addEventListener("click", function () { box.remove(); });
    box.appendChild(body);
    box.appendChild(close);
    while (region.children.length > 3) region.firstElementChild.remove();
    region.appendChild(box);
    // Errors stay until they are closed; good news goes by itself unless somebody is reading it.
    if (level !== "danger") {
      window.setTimeout(function () { if (!box.matches(":hover, :focus-within")) box.remove(); }, 8000);
    }
  }

  // --- htmx: refusals are shown, failures are said ---------------------------------------------------------------
  function readRefusal(xhr) {
    var type = xhr.getResponseHeader("Content-Type") || "";
    if (type.indexOf("json") !== -1) {
      try { var body = JSON.parse(xhr.responseText); return body.detail || body.title || ""; } catch (error) { return ""; }
    }
    var page = new DOMParser().parseFromString(xhr.responseText || "", "text/html");
    var sentence = page.querySelector("[data-problem-detail]") || page.querySelector("[data-problem-title]");
    return sentence ? sentence.textContent.trim() : "";
  }

  function isWholePage(xhr) { return /<html[\s>]/i.test((xhr.responseText || "").slice(0, 2000)); }

  document.addEventListener("htmx:beforeSwap", function (event) {
    var xhr = event.detail.xhr;
    if (xhr.status < 400) return;
    var type = xhr.getResponseHeader("Content-Type") || "";
    // A refusal meant for a whole page, or for a machine, must not land inside a fragment.
    if (event.detail.shouldSwap && (isWholePage(xhr) || type.indexOf("text/html") === -1)) {
      event.detail.shouldSwap = false;
      toast(readRefusal(xhr) || text("refused"), "danger");
    }
  });

  document.addEventListener("htmx:responseError", function (event) {
    var xhr = event.detail.xhr;
    var request = xhr.getResponseHeader("X-Request-ID");
    if (xhr.status >= 500) {
      toast(text("failed"), "danger", request ? text("request") + " " + request : "");
    } else {
      toast(readRefusal(xhr) || text(xhr.status === 429 ? "slower" : "refused"), "danger");
    }
  });
  document.addEventListener("htmx:sendError", function () { toast(text("network"), "danger"); });
  document.addEventListener("htmx:timeout", function () { toast(text("network"), "danger"); });

  // The server may add `HX-Trigger: {"toast": {"message": "…", "level": "success"}}` or `{"announce": "…"}`.
  document.addEventListener("toast", function (event) {
    var detail = event.detail || {};
    toast(detail.message || detail.value, detail.level, detail.detail);
  });
  document.addEventListener("announce", function (event) {
    var detail = event.detail || {};
    announce(detail.value || detail.message || "");
  });

  // --- Busy buttons: one press, one request ----------------------------------------------------------------------
  function submitButton(form, submitter) {
    return submitter || form.querySelector("button[type=submit], button:not([type])");
  }
  function setBusy(node, busy) {
    if (!node) return;
    node.classList.toggle("is-busy", busy);
    if (busy) node.setAttribute("aria-busy", "true"); else node.removeAttribute("aria-busy");
  }
  function requester(event) {
    var source = event.detail.elt;
    if (!source || !source.matches) return null;
    if (source.matches("form")) {
      var cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
      return submitButton(source, cause && cause.submitter);
    }
    return source.matches("button, .btn") ? source : null;
  }
  document.addEventListener("htmx:beforeRequest", function (event) { setBusy(requester(event), true); });
  document.addEventListener("htmx:afterRequest", function (event) { setBusy(requester(event), false); });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-download")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "true";
    var button = submitButton(form, event.submitter);
    setBusy(button, true);
    window.setTimeout(function () { delete form.dataset.sent; setBusy(button, false); }, 10000);
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
    document.querySelectorAll(".is-busy").forEach(function (node) { setBusy(node, false); });
  });

  // --- data-confirm="Really?" on a button, link or form ----------------------------------------------------------
  function ask(question, label, yes) {
    var dialog = make("dialog", "app-dialog");
    var title = make("p", "app-dialog-text", question);
    title.id = "app-dialog-text";
    dialog.setAttribute("aria-labelledby", title.id);
    var actions = make("div", "app-dialog-actions");
    var cancel = make("button", "btn", text("cancel"));
    var go = make("button", "btn btn-danger", label || text("confirm"));
    cancel.type = go.type = "button";
    cancel.autofocus = true;
    cancel.addEventListener("click", function () { dialog.close(); });
    go.addEventListener("click", function () { dialog.close("yes"); });
    dialog.addEventListener("close", function () {
      dialog.remove();
      if (dialog.returnValue === "yes") yes();
    });
    actions.append(cancel, go);
    dialog.append(title, actions);
    document.body.appendChild(dialog);
    dialog.showModal();
  }
  function guard(event, node, again) {
    if (node.dataset.confirmed) { delete node.dataset.confirmed; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(node.dataset.confirm, node.dataset.confirmLabel, function () { node.dataset.confirmed = "true"; again(); });
  }
  document.addEventListener("click", function (event) {
    var node = event.target.closest("a[data-confirm], button[data-confirm]");
    if (node) guard(event, node, function () { node.click(); });
  }, true);
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.matches("form[data-confirm]")) guard(event, form, function () { form.requestSubmit(event.submitter || undefined); });
  }, true);

  // --- data-copy="text" or data-copy-from="#id" ------------------------------------------------------------------
  function copied(button, worked) {
    announce(text(worked ? "copied" : "notCopied"));
    if (!worked) { toast(text("notCopied"), "warning"); return; }
    button.classList.add("is-copied");
    window.setTimeout(function () { button.classList.remove("is-copied"); }, 1600);
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    var source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    var value = source ? (source.value || source.textContent.trim()) : button.dataset.copy;
    // Browsers offer the clipboard on secure origins only; there the text is at least selected for the person.
    if (navigator.clipboard && value) {
      navigator.clipboard.writeText(value).then(function () { copied(button, true); }, function () { copied(button, false); });
    } else {
      if (source && source.select) source.select();
      copied(button, false);
    }
  });

  // --- Menus and the sidebar -------------------------------------------------------------------------------------
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) { if (menu !== except) menu.open = false; });
  }
  function setSidebar(open) {
    var button = document.querySelector("[data-sidebar-toggle]");
    if (!button) return;
    document.documentElement.classList.toggle("sidebar-open", open);
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      var first = document.querySelector("#sidebar-menu a");
      if (first) first.focus();
    }
  }
  document.addEventListener("click", function (event) {
    closeMenus(event.target.closest("details.menu"));
    var toggle = event.target.closest("[data-sidebar-toggle]");
    if (toggle) setSidebar(toggle.getAttribute("aria-expanded") !== "true");
    var choice = event.target.closest("[data-theme-set]");
    if (choice) { window.setTheme(choice.dataset.themeSet); showTheme(); }
    if (event.target.closest("[data-print]")) window.print();
    if (event.target.closest("[data-reload]")) window.location.reload();
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var menu = document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
    if (document.documentElement.classList.contains("sidebar-open")) {
      setSidebar(false);
      document.querySelector("[data-sidebar-toggle]").focus();
    }
  });
  document.addEventListener("focusout", function (event) {
    var menu = event.target.closest("details.menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("change", function (event) {
    var control = event.target.closest("[data-submit-on-change]");
    if (control && control.form) control.form.requestSubmit();
  });

  function showTheme() {
    var choice = document.documentElement.getAttribute("data-theme-choice");
    document.querySelectorAll("[data-theme-set]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === choice));
    });
  }

  // A form that came back with errors: go to the first of them.
  function focusFirstError() {
    var summary = document.querySelector("[data-form-errors]");
    if (summary) summary.focus();
  }

  function start() {
    var source = document.getElementById("app-texts");
    if (source) { try { texts = JSON.parse(source.textContent); } catch (error) { texts = {}; } }
    showTheme();
    focusFirstError();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
