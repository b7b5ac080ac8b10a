// Which parts of the outline stand open, in the list and in the drawing alike.
import { keyOf } from "./outline.js";

const FEW = 20; // layers up to which blocks stand open to begin with

const said = new Map(); // what the reader opened and closed, by key

export function isOpen(item, names, chosen) {
  if (chosen !== null && chosen >= item.first && chosen <= item.last) return true;
  const known = said.get(keyOf(item, names));
  if (known !== undefined) return known;
  const run = item.kind === "run" && item.items[0].kind === "layer";
  return !run && names.length <= FEW;
}

export const setOpen = (item, names, open) => said.set(keyOf(item, names), open);

// The outline as rows: layers, and before those of an open group the group itself, each with how deep it lies.
export function visible(items, names, chosen, depth = 0) {
  return items.flatMap((item) => {
    if (item.kind === "layer") return [{ item, depth }];
    const open = isOpen(item, names, chosen);
    return [{ item, depth, open }, ...(open ? visible(item.items, names, chosen, depth + 1) : [])];
  });
}
