
// One request, and where its time went.

/** {status, type, blob, error, elapsed, server}: what POST /invocations said. Rejects without an answer. */
async function invoke(body, { contentType, accept, query }, signal) {
  const address = new URL("invocations", location.href);
  address.search = query;
  const begin = performance.now();
  const response = await fetch(address, {
    method: "POST",
    body,
    headers: { "Content-Type": contentType, Accept: accept },
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    signal,
  });
  const blob = await response.blob();
  const elapsed = duration(address.href, begin) || performance.now() - begin;
  return {
    status: response.status,
    type: (response.headers.get("Content-Type") || "").split(";")[0].trim().toLowerCase(),
    blob,
    error: response.ok ? null : await errorOf(response, blob),
    elapsed,
    server: serverTimes(response.headers.get("Server-Timing")),
  };
}

/** How long the network took by the browser's own book: a busy page does not falsify it. */
function duration(address, begin) {
  const entry = performance.getEntriesByName(address, "resource").at(-1);
  performance.clearResourceTimings(); // the book has 250 lines
  return entry && entry.startTime >= begin - 1 && entry.responseEnd ? entry.responseEnd - entry.startTime : 0;
}

/** What went wrong in the server's own words: "422 bad_option: …". */
async function errorOf(response, blob) {
  const text = await blob.slice(0, 4000).text();
  const after = response.headers.get("Retry-After");
  const again = after ? ` (try again in ${after} s)` : "";
  try {
    const { code, message } = JSON.parse(text).error;
    return `${response.status} ${code}: ${message}${again}`;
  } catch {
    return `${response.status} ${response.statusText}: ${text.trim() || "an empty answer"}${again}`;
  }
}

/** Server-Timing as a Map: "queue;dur=0.5, model;dur=41" is {queue: 0.5, model: 41}, milliseconds. */
function serverTimes(header) {
  const times = new Map();
  for (const metric of (header || "").split(",")) {
    const [name, ...parameters] = metric.split(";").map((text) => text.trim());
    const duration = parameters.find((text) => text.toLowerCase().startsWith("dur="));
    const value = duration === undefined ? NaN : Number.parseFloat(duration.slice(4).replace(/"/g, ""));
    if (name && value >= 0) times.set(name, value);
  }
  return times;
}

/**
 * [[what, milliseconds], …] of the whole way: the server's own figures as it names them, what is left
 * of its total, what is left of the request, then this page's work.
 */
function split(elapsed, server, own) {
  const named = [...server].filter(([name]) => name !== "total");
  const sum = named.reduce((total, [, value]) => total + value, 0);
  const total = server.get("total");
  const parts = [...named];
  if (total !== undefined) parts.push(["server, rest", Math.max(0, total - sum)]);
  const known = total === undefined ? sum : Math.max(total, sum);
  parts.unshift([known ? "network" : "network and server", Math.max(0, elapsed - known)]);
  return [...parts, ...own];
}

/** The same request for a shell. */
function curlCommand(name, { contentType, accept, query }) {
  const address = new URL("invocations", location.href);
  address.search = query;
  const words = [`Content-Type: ${contentType}`, `Accept: ${accept}`].flatMap((header) => ["-H", header]);
  words.push("--data-binary", `@${name}`, address.href);
  return ["curl", ...words.map(quoted)].join(" ");
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
