// The headers of the arrays in a .npz file, and of a .npy file: the archive's directory, and the beginning of each array.
import { Unreadable } from "./unreadable.js";

const END = 22; // bytes of the record that ends an archive, before its comment
const LONGEST_COMMENT = 65_535;
const ENTRY = 46; // bytes of an entry in the directory, before its name
const LOCAL = 30;
const MOST_ARRAYS = 20_000;
const LONGEST_HEADER = 10_240; // bytes, as NumPy has it
const DEFLATED = 8;
const DTYPES = { f2: "float16", f4: "float32", f8: "float64", i1: "int8", i2: "int16", i4: "int32", i8: "int64", u1: "uint8", u2: "uint16", u4: "uint32", u8: "uint64", b1: "bool", V2: "bfloat16" };

const bytes = async (file, from, to) => new DataView(await file.slice(from, to).arrayBuffer());
const text = (view, from, length) => new TextDecoder().decode(new Uint8Array(view.buffer, from, Math.min(length, view.byteLength - from)));

export async function readNpz(file) {
  const entries = await directory(file);
  if (entries.some(({ name }) => name.endsWith(".weights.h5"))) throw new Unreadable("file.keras");
  const arrays = entries.filter(({ name }) => name.endsWith(".npy"));
  if (!arrays.length) throw new Unreadable("file.no-arrays");
  if (arrays.length > MOST_ARRAYS) throw new Unreadable("file.many", { most: MOST_ARRAYS });
  const tensors = {};
  for (const entry of arrays) {
    const name = entry.name.slice(0, -".npy".length);
    tensors[name] = headerOf(await beginning(file, entry), name);
  }
  return { tensors };
}

export async function readNpy(file) {
  const name = file.name.replace(/\.npy$/i, "");
  return { tensors: { [name]: headerOf(await bytes(file, 0, LONGEST_HEADER), name) } };
}

async function directory(file) {
  const tail = await bytes(file, Math.max(0, file.size - END - LONGEST_COMMENT), file.size);
  for (let at = tail.byteLength - END; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    const [size, start] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
    if (start === 0xffffffff) throw new Unreadable("file.long-archive");
    return entriesIn(await bytes(file, start, start + size));
  }
  throw new Unreadable("file.no-archive");
}

function entriesIn(view) {
  const found = [];
  for (let at = 0; at + ENTRY <= view.byteLength && view.getUint32(at, true) === 0x02014b50; ) {
    const [name, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    found.push({ name: text(view, at + ENTRY, name), method: view.getUint16(at + 10, true), start: view.getUint32(at + 42, true) });
    at += ENTRY + name + extra + comment;
  }
  return found;
}

// The first bytes of an array, unpacked where they are packed.
async function beginning(file, { start, method }) {
  const local = await bytes(file, start, start + LOCAL);
  if (local.byteLength < LOCAL) throw new Unreadable("file.cut");
  const from = start + LOCAL + local.getUint16(26, true) + local.getUint16(28, true);
  const part = file.slice(from, from + LONGEST_HEADER);
  if (method !== DEFLATED) return new DataView(await part.arrayBuffer());
  const reader = part.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const { value } = await reader.read();
  reader.cancel().catch(() => {}); // the rest of the array was not asked for
  return new DataView(value.slice().buffer);
}

// {shape, dtype} of the header that an array begins with: a Python dictionary as text.
export function headerOf(view, name) {
  if (view.byteLength < 12 || text(view, 1, 5) !== "NUMPY") throw new Unreadable("file.bad-tensor", { name });
  const long = view.getUint8(6) > 1;
  const header = text(view, long ? 12 : 10, long ? view.getUint32(8, true) : view.getUint16(8, true));
  const [, kind] = /'descr':\s*'[<>|=]?(\w+)'/.exec(header) ?? [];
  const [, sizes] = /'shape':\s*\(([\d,\sL]*)\)/.exec(header) ?? [];
  if (kind === undefined || sizes === undefined) throw new Unreadable("file.bad-tensor", { name });
  return { shape: (sizes.match(/\d+/g) ?? []).map(Number), dtype: DTYPES[kind] ?? kind };
}
