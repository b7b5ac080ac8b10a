// Node's fetch, taking a file: node download.mjs URL FILE. Where the server breaks off it asks for the rest of this
// very representation, until the file is whole.
import { open } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const [url, path] = process.argv.slice(2);
const file = await open(path, "w");
let taken = 0;
let length = Infinity;
let etag = "";

async function take() {
  const answer = await fetch(url, { headers: taken ? { range: `bytes=${taken}-`, "if-range": etag } : {} });
  if (answer.status !== (taken ? 206 : 200)) throw new Error(`status ${answer.status}`);
  length = taken + Number(answer.headers.get("content-length"));
  etag = answer.headers.get("etag");
  for await (const chunk of answer.body) {
    await file.write(chunk);
    taken += chunk.length;
    await setTimeout(1); // slow enough to be seen to have begun before it is done
  }
}

while (taken < length) {
  try {
    await take();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // what fetch throws where a connection is refused or lost
    await setTimeout(20);
  }
}
await file.close();
