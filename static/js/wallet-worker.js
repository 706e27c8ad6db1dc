// Keeps wallets that were opened here, so that they open without a network. Always asks the network first: what is kept is only
// the answer when there is none.
"use strict";

const NAME = "wallet-1";

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  const clean = caches.keys().then((names) =>
    Promise.all(names.filter((name) => name.startsWith("wallet-") && name !== NAME).map((name) => caches.delete(name))));
  event.waitUntil(clean.then(() => self.clients.claim()));
});

async function keep(urls) {
  const cache = await caches.open(NAME);
  const answers = await Promise.all(urls.map(async (url) => {
    const answer = await fetch(url);
    if (answer.ok) await cache.put(url, answer);
    return answer.ok;
  }));
  return answers.every(Boolean);
}

self.addEventListener("message", (event) => {
  const urls = (event.data && event.data.keep || []).filter((url) => new URL(url).origin === self.location.origin);
  if (!urls.length) return;
  event.waitUntil(keep(urls).then(
    (kept) => event.source.postMessage({ kept }),
    () => event.source.postMessage({ kept: false }),
  ));
});

async function answer(request) {
  const cache = await caches.open(NAME);
  try {
    const fresh = await fetch(request);
    if (request.mode === "navigate") {
      // A link that opens nothing any more must not be shown from here either.
      if (fresh.ok) await cache.put(request.url, fresh.clone());
      else if (fresh.status === 404 || fresh.status === 410) await cache.delete(request.url, { ignoreVary: true });
    }
    return fresh;
  } catch (error) {
    const kept = await cache.match(request.url, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.method === "GET" && new URL(request.url).origin === self.location.origin) event.respondWith(answer(request));
});
