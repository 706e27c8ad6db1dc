// Drives an official node client, unmodified: `drive.cjs segment|rudder <address> <write key> <users> <rounds>`. Prints what was lost.
const [which, address, key, users, rounds] = process.argv.slice(2);
const lost = [];

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function segment(send) {
  const { Analytics } = require("@segment/analytics-node");
  const client = new Analytics({ writeKey: key, host: address, maxEventsInBatch: 100, flushInterval: 200, maxRetries: 10 });
  client.on("error", (error) => lost.push(error.ctx ? error.ctx.event.messageId : "?"));
  await send(client, () => client.flush());
  await client.closeAndFlush({ timeout: 60000 });
}

async function rudder(send) {
  const Analytics = require("@rudderstack/rudder-sdk-node");
  const client = new Analytics(key, {
    dataPlaneUrl: address,
    flushAt: 100,
    flushInterval: 200,
    maxQueueSize: 500 * 1024,
    maxInternalQueueSize: 100000,
    retryCount: 10,
    axiosRetryConfig: { retryDelay: () => 300 },
    errorHandler: () => {},
  });
  // The queue empties batch by batch: flush until nothing is left.
  const flush = () =>
    new Promise((resolve) => {
      const step = () => {
        if (client.queue.length === 0) return resolve();
        client.flush((error, data) => {
          if (error) lost.push("?");
          setTimeout(step, 20);
        });
      };
      step();
    });
  await send(client, flush);
  await flush();
  await pause(500);
}

async function send(client, flush) {
  for (let n = 0; n < Number(rounds); n++) {
    for (let u = 0; u < Number(users); u++) {
      const userId = `${which}-${u}`;
      const anonymousId = `${which}-cookie-${u}`;
      const properties = { round: n, user: userId };
      const traits = { email: `${which}${u}@shop.test`, round: n };
      client.identify({ userId, anonymousId, traits, messageId: `${which}-i-${u}-${n}` });
      client.track({ userId, event: "Looked", properties, messageId: `${which}-t-${u}-${n}` });
      client.alias({ userId, previousId: `${which}-before-${u}-${n}`, messageId: `${which}-a-${u}-${n}` });
      client.page({ anonymousId, name: "Home", properties, messageId: `${which}-p-${u}-${n}` });
    }
    await flush();
  }
  // A batch that the server refuses for its size: it is given up, and nothing else with it.
  await pause(500);
  for (let n = 0; n < 3; n++) client.track({ userId: "refused", event: "Refused for its size", messageId: `${which}-refused-${n}` });
  await flush();
  await pause(500);
  client.track({ userId: `${which}-0`, event: "Last", messageId: `${which}-last` });
}

(which.startsWith("segment") ? segment : rudder)(send).then(() => {
  console.log(JSON.stringify(lost.sort()));
  process.exit(0);
});
