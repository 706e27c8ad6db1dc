// Sales that were checked while there was a network and redeemed when there was none: kept in this browser, sent again with their
// own order key, so that each is redeemed once whatever got lost. What no longer holds is shown and decided by a person.
(function () {
  "use strict";

  var STORE = "till-queue";
  var AGAIN_AFTER = 15000;
  var panel = document.getElementById("till-queue");
  var offer = document.getElementById("till-offline");
  if (!panel || !offer) return;
  var texts = panel.dataset;
  var sending = false;
  var checked = "";

  function read() {
    try { return JSON.parse(window.localStorage.getItem(STORE)) || []; } catch (error) { return []; }
  }
  function write(items) { window.localStorage.setItem(STORE, JSON.stringify(items)); }
  function change(key, fields) {
    write(read().map(function (item) { return item.key === key ? Object.assign(item, fields) : item; }));
    draw();
  }
  function drop(key) {
    write(read().filter(function (item) { return item.key !== key; }));
    draw();
  }

  // --- The sale on the page --------------------------------------------------------------------------------------
  function form() { return document.getElementById("sale"); }
  function fieldsOf(sale) {
    return Array.from(new FormData(sale).entries()).filter(function (entry) { return entry[0] !== "csrfmiddlewaretoken"; });
  }
  function remember() { checked = form() ? JSON.stringify(fieldsOf(form())) : ""; }
  function value(fields, name) {
    var found = fields.find(function (entry) { return entry[0] === name; });
    return found ? found[1] : "";
  }
  function isRedeeming(event) {
    var request = event.detail.requestConfig || {};
    var cause = request.triggeringEvent && request.triggeringEvent.submitter;
    return event.detail.elt && event.detail.elt.id === "sale" && cause && cause.value === "redeem";
  }

  function propose(event) {
    if (!isRedeeming(event)) return;
    var isChecked = value(fieldsOf(form()), "expected_payable") !== "" && JSON.stringify(fieldsOf(form())) === checked;
    offer.hidden = false;
    offer.querySelector("[data-offer-keep]").hidden = !isChecked;
    offer.querySelector("[data-offer-check]").hidden = isChecked;
    offer.scrollIntoView({ block: "center" });
    offer.querySelector("button").focus();
  }
  document.addEventListener("htmx:sendError", propose);
  document.addEventListener("htmx:timeout", propose);
  document.addEventListener("htmx:afterSettle", function () { remember(); offer.hidden = true; });
  document.addEventListener("htmx:beforeOnLoad", function (event) {
    // A kept sale that was opened and redeemed here is done.
    if (event.detail.elt.id === "sale" && event.detail.xhr.getResponseHeader("HX-Redirect")) drop(value(fieldsOf(form()), "order_key"));
  });

  function newKey() {
    if (window.crypto.randomUUID) return window.crypto.randomUUID();
    var bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    var hex = Array.from(bytes, function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }
  function startAnew() {
    var sale = form();
    ["codes", "cards", "expected_discount", "expected_payable"].forEach(function (name) {
      sale.querySelectorAll("input[type=hidden][name=" + name + "]").forEach(function (input) { input.remove(); });
    });
    sale.querySelectorAll("input:not([type=hidden])").forEach(function (input) {
      if (input.type === "checkbox") input.checked = false;
      else input.value = /-quantity$/.test(input.name) ? "1" : "";
    });
    sale.querySelector("[name=order_key]").value = newKey();
    // What was said about the last sale must not be read as being about the next.
    sale.querySelectorAll("[data-of-this-sale]").forEach(function (node) { node.remove(); });
    var outcome = sale.querySelector("[data-outcome]");
    if (outcome) outcome.appendChild(document.getElementById("till-empty").content.cloneNode(true));
    remember();
    sale.querySelector("input:not([type=hidden])").focus();
  }
  function keep() {
    var fields = fieldsOf(form());
    var payable = document.querySelector("[data-testid=payable]");
    var articles = fields.filter(function (entry) { return /^line-\d+-article$/.test(entry[0]) && entry[1]; });
    var item = {
      key: value(fields, "order_key"),
      at: Date.now(),
      what: articles.map(function (entry) { return entry[1]; }).join(", "),
      payable: payable ? payable.textContent.trim() : "",
      fields: fields,
      state: "waiting",
    };
    try {
      write(read().filter(function (other) { return other.key !== item.key; }).concat([item]));
    } catch (error) {
      offer.querySelector("[data-offer-failed]").hidden = false;
      return;
    }
    offer.hidden = true;
    startAnew();
    draw();
  }
  offer.querySelector("[data-offer-keep] button").addEventListener("click", keep);

  // --- The list ----------------------------------------------------------------------------------------------------
  function draw() {
    var items = read();
    var list = panel.querySelector("[data-queue-list]");
    var open = items.filter(function (item) { return item.state !== "done"; });
    panel.hidden = !items.length;
    panel.querySelector("[data-queue-count]").textContent = String(open.length);
    panel.querySelector("[data-queue-again]").hidden = !open.length;
    list.textContent = "";
    items.forEach(function (item) {
      var row = document.getElementById("till-queue-item").content.firstElementChild.cloneNode(true);
      var is = function (state) { return item.state === state; };
      row.dataset.state = item.state;
      row.dataset.key = item.key;
      row.querySelector("[data-item=what]").textContent = item.what;
      row.querySelector("[data-item=at]").textContent = new Date(item.at).toLocaleTimeString(document.documentElement.lang);
      row.querySelector("[data-item=payable]").textContent = item.payable;
      row.querySelector("[data-item=said]").textContent = item.said || texts[item.state] || "";
      row.querySelector("[data-item=advice]").hidden = !is("conflict");
      var link = row.querySelector("[data-item=receipt]");
      link.hidden = !is("done");
      if (is("done")) link.href = item.receipt;
      row.querySelector("[data-act=open]").hidden = !is("conflict");
      row.querySelector("[data-act=again]").hidden = !is("conflict");
      row.querySelector("[data-act=discard]").hidden = !is("conflict");
      row.querySelector("[data-act=seen]").hidden = !is("done");
      list.appendChild(row);
    });
  }

  function openAgain(item) {
    var sale = document.createElement("form");
    sale.method = "post";
    sale.action = texts.address;
    item.fields.concat([["intent", "check"], ["csrfmiddlewaretoken", token()]]).forEach(function (entry) {
      if (/^expected_/.test(entry[0])) return;
      var input = document.createElement("input");
      input.type = "hidden";
      input.name = entry[0];
      input.value = entry[1];
      sale.appendChild(input);
    });
    document.body.appendChild(sale);
    sale.submit();
  }

  panel.addEventListener("click", function (event) {
    if (event.target.closest("[data-queue-again]")) { replay(); return; }
    var button = event.target.closest("[data-act]");
    if (!button) return;
    var key = button.closest("[data-key]").dataset.key;
    var item = read().find(function (other) { return other.key === key; });
    if (!item) { draw(); return; }
    if (button.dataset.act === "open") openAgain(item);
    if (button.dataset.act === "again") { change(key, { state: "waiting", said: "" }); replay(); }
    if (button.dataset.act === "discard" || button.dataset.act === "seen") drop(key);
  });

  // --- Sending again -------------------------------------------------------------------------------------------------
  function token() { return document.querySelector("#sale [name=csrfmiddlewaretoken]").value; }

  function sentences(html) {
    var page = new DOMParser().parseFromString(html, "text/html");
    var found = Array.from(page.querySelectorAll("[data-problem-title], [data-problem-detail], .app-refused, .invalid-feedback"));
    var said = found.map(function (node) { return node.textContent.replace(/\s+/g, " ").trim(); });
    var payable = page.querySelector("[data-testid=payable]");
    if (payable) said.push(texts.now + " " + payable.textContent.trim());
    said = said.filter(function (text, index) { return text && said.indexOf(text) === index; });
    return said.map(function (text) { return /[.!?]$/.test(text) ? text : text + "."; }).join(" ");
  }

  function send(item) {
    var body = new URLSearchParams(item.fields.concat([["intent", "redeem"]]));
    var headers = { "X-CSRFToken": token(), "HX-Request": "true" };
    return fetch(texts.address, { method: "POST", body: body, headers: headers, redirect: "manual" }).then(function (answer) {
      var receipt = answer.headers.get("HX-Redirect");
      if (receipt) { change(item.key, { state: "done", said: "", receipt: receipt }); return true; }
      if (answer.type === "opaqueredirect" || answer.status === 403) { change(item.key, { said: texts.signin }); return false; }
      if (answer.status === 429 || answer.status >= 500) { change(item.key, { said: texts.busy }); return false; }
      return answer.text().then(function (html) {
        change(item.key, { state: "conflict", said: sentences(html) || texts.conflict });
        return true;
      });
    });
  }

  function replay() {
    if (sending) return;
    sending = true;
    var next = function (items) {
      if (!items.length) return null;
      return send(items[0]).then(function (goOn) { return goOn ? next(items.slice(1)) : null; });
    };
    var waiting = read().filter(function (item) { return item.state === "waiting"; });
    Promise.resolve(next(waiting)).catch(function () { /* Still no network: they wait. */ }).then(function () { sending = false; });
  }

  window.addEventListener("online", replay);
  window.addEventListener("storage", draw);
  window.setInterval(function () {
    if (navigator.onLine && read().some(function (item) { return item.state === "waiting"; })) replay();
  }, AGAIN_AFTER);
  remember();
  draw();
  if (navigator.onLine) replay();
})();
