// A spec as text that can be read.

function text(value) {
  if (Array.isArray(value)) return `[${value.map(text).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${text(member)}`)
    .join(", ")}}`;
}

// One layer a line, so that a stack can be read.
export function pretty({ layers, ...rest }) {
  const members = Object.entries(rest).map(([name, value]) => `  ${JSON.stringify(name)}: ${text(value)}`);
  if (layers) members.push(`  "layers": [\n${layers.map((layer) => `    ${text(layer)}`).join(",\n")}\n  ]`);
  return `{\n${members.join(",\n")}\n}`;
}
