// The first lines of each program: the file of all weights, from its address, or posted for where it has none.
import { literal } from "../../streams/python.js";

const COLUMNS = 110; // of a line of a spec

// `asked` is {address, posted: {url, spec}}: `address` is null where the weights have none.
export function pythonFetch({ address, posted }, format = "safetensors") {
  if (address)
    return [`address = "${address}"`, `urllib.request.urlretrieve(address, "weights.${format}")`];
  return [
    `spec = ${python(posted.spec)}`,
    `request = urllib.request.Request("${posted.url}?format=${format}", json.dumps(spec).encode(), {"content-type": "application/json"})`,
    `with urllib.request.urlopen(request) as answer, open("weights.${format}", "wb") as file:`,
    "    file.write(answer.read())",
  ];
}

export const pythonImports = ({ address }) => (address ? ["import urllib.request"] : ["import json", "import urllib.request"]);

// JSON as Python: short objects on a line of their own.
export function python(value, indent = "") {
  const flat = inline(value);
  if (flat.length + indent.length < COLUMNS || typeof value !== "object" || value === null) return flat;
  const inner = `${indent}    `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((each) => python(each, inner))
    : Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${python(each, inner)}`);
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}`;
}

function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${inline(each)}`).join(", ")}}`;
  return literal(value);
}

