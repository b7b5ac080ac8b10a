// What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE, draw SPECS.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [client, command, ...rest] = process.argv.slice(2);
const initserve = await import(pathToFileURL(client));

const hexadecimal = (bytes) => Buffer.from(bytes).toString("hex");

function show(key, { dtype, shape, data }) {
  const digest = hexadecimal(initserve.sha256(new Uint8Array(data.buffer)));
  console.log(`${key} ${dtype} ${shape.join("x") || "scalar"} ${digest}`);
}

const showAll = (arrays) => arrays.forEach((array, key) => show(key, array));

const commands = {
  async read(...files) {
    for (const file of files) {
      const bytes = new Uint8Array(await readFile(file));
      if (file.endsWith(".npy")) show("-", initserve.readNpy(bytes));
      else showAll(initserve.readSafetensors(bytes));
    }
  },
  async init(url, spec) {
    showAll(await new initserve.Client(url).init(JSON.parse(await readFile(spec))));
  },
  async save(url, spec, path) {
    await new initserve.Client(url).save(JSON.parse(await readFile(spec)), path);
  },
  async draw(specs) {
    for (const line of (await readFile(specs, "utf8")).trim().split("\n")) {
      try {
        showAll(initserve.draw(JSON.parse(line)));
      } catch (error) {
        if (!(error instanceof initserve.Undrawable)) throw error;
        console.log(`undrawable: ${error.message}`);
      }
      console.log();
    }
  },
};

try {
  await commands[command](...rest);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
