// What a file is, and the network that it makes: a spec, a published model's config, the header of weights.
import { Unreadable } from "./unreadable.js";
import { fromConfig, isConfig } from "./config.js";
import { readNpy, readNpz } from "./npz.js";
import { readSafetensors } from "./safetensors.js";

const LARGEST_TEXT = 20_000_000; // bytes of JSON
const MOST_TENSORS = 20_000;
// Kinds that are known, and what to do instead, by the end of the name.
const REFUSED = {
  "file.keras": ["h5", "hdf5", "keras"],
  "file.pickled": ["pt", "pth", "bin", "ckpt", "pkl", "pickle"],
  "file.gguf": ["gguf", "ggml"],
  "file.graph": ["onnx", "tflite", "pb", "mlmodel", "torchscript"],
  "file.msgpack": ["msgpack"],
  "file.picture": ["png", "jpg", "jpeg", "gif", "webp", "svg", "pdf"],
  "file.packed": ["gz", "tar", "tgz", "zip", "7z", "xz", "bz2"],
  "file.code": ["py", "ipynb", "js", "r", "jl", "md", "yaml", "yml", "toml", "csv"],
};
const endOf = ({ name }) => /\.([^.]+)$/.exec(name.toLowerCase())?.[1] ?? "";

// {spec, told: {key, values}} of files that belong together; raises Unreadable. `recipes` is the catalogue's list.
export async function readFiles(files, recipes) {
  const read = [];
  for (const file of files) read.push(await readFile(file, recipes).catch((refusal) => besides(refusal, files)));
  const listings = read.filter(({ tensors }) => tensors);
  if (listings.length) return fromListings(listings, read, files);
  const found = read.find(({ spec }) => spec);
  if (found) return found;
  const refused = read.find(({ refusal }) => refusal);
  if (refused) throw refused.refusal;
  throw new Unreadable("file.index");
}

// Beside a model's weights its config says the type, also of a model that no recipe is of.
function besides(refusal, files) {
  if (refusal.key !== "config.unknown" || files.length === 1) throw refusal;
  return { model: refusal.values.type, refusal };
}

async function readFile(file, recipes) {
  if (!file.size) throw new Unreadable("file.empty", { name: file.name });
  const counted = counting(file);
  try {
    const found = await readKind(counted, recipes);
    return { ...found, read: counted.read };
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(error.key, { name: file.name, ...error.values });
    throw new Unreadable("file.failed", { name: file.name });
  }
}

// A file that counts how many of its bytes are read.
function counting(file) {
  const counted = {
    name: file.name,
    size: file.size,
    read: 0,
    slice(from, to) {
      counted.read += Math.max(0, Math.min(to, file.size) - Math.max(0, from));
      return file.slice(from, to);
    },
    text: () => counted.slice(0, file.size).text(),
  };
  return counted;
}

async function readKind(file, recipes) {
  const end = endOf(file);
  if (end === "safetensors") return readSafetensors(file);
  const magic = new TextDecoder("latin1").decode(await file.slice(0, 6).arrayBuffer());
  if (magic.startsWith("\u0089HDF") || end === "keras") throw new Unreadable("file.keras");
  if (magic.startsWith("GGUF")) throw new Unreadable("file.gguf");
  if (end === "npy" || magic.slice(1) === "NUMPY") return readNpy(file);
  if (end === "npz") return readNpz(file);
  const [refused] = Object.entries(REFUSED).find(([, ends]) => ends.includes(end)) ?? [];
  if (refused) throw new Unreadable(refused);
  if (file.size > LARGEST_TEXT) throw new Unreadable("file.large");
  return fromText(await file.text(), recipes, end === "json");
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// What text is: a spec, a config, a listing of tensors. Raises Unreadable for anything else.
function fromText(text, recipes, isJson = true) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Unreadable(isJson ? "file.no-json" : "file.unknown");
  }
  if (!isObject(document)) throw new Unreadable("file.no-object");
  if (["layers", "recipe", "tensors"].some((member) => member in document) && !isKeras(document)) return { spec: document, told: { key: "file.spec", values: {} } };
  if (isObject(document.weight_map)) return { index: true };
  if (isKeras(document)) throw new Unreadable("file.keras-json");
  if (isConfig(document)) return fromConfig(document, recipes);
  if (isListing(document)) return { tensors: document };
  if ("transformers_version" in document || "tokenizer_class" in document || "added_tokens" in document) throw new Unreadable("file.beside");
  throw new Unreadable("file.other-json");
}

// What was pasted: as a file of its own.
export function readPasted(text, recipes) {
  const found = fromText(text, recipes);
  if (found.index) throw new Unreadable("file.index");
  if (!found.tensors) return found;
  return { spec: { tensors: found.tensors, layout: layoutOf(Object.keys(found.tensors)) }, told: { key: "file.pasted", values: {} } };
}

const isKeras = ({ class_name: name, keras_version: version, config }) => Boolean(version) || (typeof name === "string" && isObject(config));

// Names with shapes, as `{name: list(tensor.shape)}` prints them.
function isListing(document) {
  const entries = Object.values(document);
  const isShape = (value) => Array.isArray(value) && value.every((size) => Number.isInteger(size) && size >= 0);
  return entries.length > 0 && entries.every((entry) => isShape(entry) || isShape(entry?.shape));
}

function fromListings(listings, read, files) {
  const tensors = Object.assign({}, ...listings.map((each) => each.tensors));
  const count = Object.keys(tensors).length;
  if (!count) throw new Unreadable("file.no-tensors", { name: files[0].name });
  if (count > MOST_TENSORS) throw new Unreadable("file.many", { name: files[0].name, most: MOST_TENSORS });
  const model = read.map((each) => each.model ?? each.spec?.config?.model_type).find(Boolean);
  const layout = layoutOf(Object.keys(tensors), listings[0].made);
  const bytes = listings.reduce((sum, each) => sum + each.read, 0);
  return {
    spec: { tensors: short(tensors), layout, ...(model && { config: { model_type: model } }) },
    told: { key: "file.listing", values: { name: files.map(({ name }) => name).join(", "), count, bytes, size: files.reduce((sum, { size }) => sum + size, 0) } },
  };
}

// A dtype that is the usual one is left out: the listing stays in the page's address.
const short = (tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, entry]) => [name, Array.isArray(entry) ? entry : ["F32", "float32", undefined].includes(entry.dtype) ? entry.shape : entry]),
  );

// Whose names they are: a matrix is a weight in PyTorch, a kernel in Keras and Flax.
function layoutOf(names, made) {
  if (made === "flax") return "flax";
  if (!names.some((name) => /(^|[./])kernel(:0)?$/.test(name))) return "pytorch";
  return names.some((name) => /^params[./]|[A-Za-z]_\d+[./]kernel$/.test(name) && !/:0$/.test(name)) ? "flax" : "keras";
}
