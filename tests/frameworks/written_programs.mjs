// Writes the programs that the page offers: reads [{name, spec, plan, address}], one JSON text, and answers one.
import { program } from "../../service/pages/playground/take/programs/programs.js";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const answers = JSON.parse(text).map(({ name, spec, plan, address }) =>
  program(name, { spec, plan, url: `${address}/init`, absolute: (link) => new URL(`.${link}`, `${address}/`).href }),
);
process.stdout.write(JSON.stringify(answers));
