// Talks to the service: JSON, files, and events while a training runs; every failure is a problem with plain words.

import { forget, recall, remember } from "./remembered.js";

const OFFLINE = "offline";
const KEPT = "initserve-key";

// The reader's API key: this window's, unless the reader wants the browser to keep it.
let key = recall(KEPT) ?? "";

export const keyOf = () => key;

export function useKey(given, kept) {
  key = given;
  if (kept) remember(KEPT, given);
  else forget(KEPT);
}

export class Problem extends Error {
  constructor(document, path) {
    super(document.detail);
    this.asked = path.split("?")[0];
    this.type = document.type;
    this.title = document.title;
    this.detail = document.detail;
    this.errors = document.errors ?? [];
    this.remedy = document.try ?? null;
  }
}

// The service's root is where this page stands, also behind a proxy's prefix.
const at = (path) => new URL(path, document.baseURI);

async function request(path, { headers, ...options } = {}) {
  let response;
  try {
    response = await fetch(at(path), { headers: key ? { ...headers, authorization: `Bearer ${key}` } : headers, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: OFFLINE, detail: OFFLINE }, path);
  }
  if (response.ok) return response;
  // What refuses without a document is not the service: a plain file server, or a proxy with nothing behind it.
  const document = await response.json().catch(() => null);
  throw new Problem(document ?? { title: OFFLINE, detail: OFFLINE }, path);
}

export const isUnknown = ({ type }) => type === "/problems/unknown-key";
// What is refused for want of a key that opens it.
export const isShut = (problem) => isUnknown(problem) || ["/problems/key-needed", "/problems/scope-missing"].includes(problem.type);
export const isOffline = ({ title }) => title === OFFLINE;

const body = (value) => JSON.stringify(value);
const json = { "content-type": "application/json" };

export async function read(path) {
  return (await request(path)).json();
}

export async function ask(path, question, signal) {
  return (await request(path, { method: "POST", headers: json, body: body(question), signal })).json();
}

// The first bytes of what a link leads to, or all of them.
export async function some(link, bytes = null) {
  const headers = bytes === null ? {} : { range: `bytes=0-${bytes - 1}` };
  return (await request(`.${link}`, { headers })).arrayBuffer();
}

export async function file(format, spec) {
  const response = await request(`init?format=${format}`, { method: "POST", headers: json, body: body(spec) });
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? `weights.${format}`;
  return { name, blob: await response.blob() };
}

// Yields {event, data} as server-sent events come; EventSource could not post the spec.
export async function* events(path, question, signal) {
  const headers = { ...json, accept: "text/event-stream" };
  const response = await request(path, { method: "POST", headers, body: body(question), signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value.replaceAll("\r", "");
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => line && !line.startsWith(":"));
      const field = (name) =>
        lines
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trim())
          .join("\n");
      if (lines.length) yield { event: field("event") || "message", data: JSON.parse(field("data") || "{}") };
    }
  }
}
