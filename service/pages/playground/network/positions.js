// Where a member stands in JSON text: the line of what a pointer leads to, and of what is no JSON.

// The line, from 1 on, of the value that a pointer leads to, or of the nearest one around it; of readable JSON.
export function lineOf(text, pointer) {
  const steps = pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return lineAt(text, offsetOf(text, steps));
}

export const lineAt = (text, offset) => text.slice(0, offset).split("\n").length;

function offsetOf(text, steps) {
  let at = skipSpace(text, 0);
  for (const step of steps) {
    const inside = text[at] === "{" ? member(text, at, step) : text[at] === "[" ? element(text, at, Number(step)) : null;
    if (inside === null) return at;
    at = inside;
  }
  return at;
}

const SPACE = /[\s,:]*/y;

function skipSpace(text, at) {
  SPACE.lastIndex = at;
  SPACE.exec(text);
  return SPACE.lastIndex;
}

function member(text, start, name) {
  for (let at = skipSpace(text, start + 1); at < text.length && text[at] !== "}"; ) {
    const end = endOf(text, at);
    const value = skipSpace(text, end);
    if (JSON.parse(text.slice(at, end)) === name) return value;
    at = skipSpace(text, endOf(text, value));
  }
  return null;
}

function element(text, start, index) {
  let place = 0;
  for (let at = skipSpace(text, start + 1); at < text.length && text[at] !== "]"; place += 1) {
    if (place === index) return at;
    at = skipSpace(text, endOf(text, at));
  }
  return null;
}

const WORD = /"(?:[^"\\]|\\.)*"|[^\s,:{}[\]]+/y;

// Where the value ends that begins at a place.
function endOf(text, start) {
  let deep = 0;
  for (let at = start; at < text.length; ) {
    if ("{[".includes(text[at])) {
      deep += 1;
      at += 1;
    } else if ("}]".includes(text[at])) {
      deep -= 1;
      at += 1;
    } else {
      WORD.lastIndex = at;
      at = WORD.exec(text) ? WORD.lastIndex : at + 1;
    }
    at = deep ? skipSpace(text, at) : at;
    if (deep <= 0) return at;
  }
  return text.length;
}

// Browsers tell a line or a position, each in its own words, or nothing.
export function lineOfRefusal({ message }, text) {
  const line = /line (\d+)/.exec(message)?.[1];
  const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
  return line ? Number(line) : lineAt(text, position);
}
