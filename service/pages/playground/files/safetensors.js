// The header of a safetensors file: names, dtypes and shapes of its tensors. Of the file no more is read than that.
import { Unreadable } from "./unreadable.js";

export const LARGEST_HEADER = 100_000_000; // bytes, as the library has it
const PREFIX = 8; // bytes that say how long the header is

// {tensors: name -> {shape, dtype}, made: who wrote it}; raises Unreadable.
export async function readSafetensors(file) {
  if (file.size < PREFIX) throw new Unreadable("file.short");
  const length = new DataView(await file.slice(0, PREFIX).arrayBuffer()).getBigUint64(0, true);
  if (length > BigInt(LARGEST_HEADER)) throw new Unreadable("file.no-header");
  const end = PREFIX + Number(length);
  if (end > file.size) throw new Unreadable("file.cut");
  const { __metadata__: metadata, ...entries } = parsed(await file.slice(PREFIX, end).text());
  const tensors = Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, told(name, entry)]));
  return { tensors, made: metadata?.format };
}

function parsed(text) {
  try {
    const header = JSON.parse(text);
    if (typeof header === "object" && header !== null && !Array.isArray(header)) return header;
  } catch {
    // said below
  }
  throw new Unreadable("file.no-header");
}

function told(name, entry) {
  const { dtype, shape } = entry ?? {};
  const right = typeof dtype === "string" && Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size >= 0);
  if (!right) throw new Unreadable("file.bad-tensor", { name });
  return { shape, dtype };
}
