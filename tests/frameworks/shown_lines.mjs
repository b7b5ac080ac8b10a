// Writes the lines that the page shows: reads [{spec, plan, at, client, values, address}], one JSON text, and answers one.
import { written } from "../../service/pages/playground/streams/lines.js";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const answers = JSON.parse(text).map(({ address, ...asked }) =>
  written({ ...asked, absolute: (link) => new URL(`.${link}`, `${address}/`).href }),
);
process.stdout.write(JSON.stringify(answers));
