/**
 * A client of initserve for browsers and Node: asks a server for weights, reads what it answers, and draws the stream
 * initserve/1 itself where no server is wanted (docs/stream.md). Nothing else is needed.
 */

/** What a server refused: its problem document, with what would work in `try`. */
export class Problem extends Error {
  constructor(document) {
    const errors = (document.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; ");
    const change = document.try === undefined ? "" : `; try ${JSON.stringify(document.try)}`;
    super(`${document.detail ?? document.title}${errors && ` (${errors})`}${change}`);
    this.name = "Problem";
    this.status = document.status;
    this.type = document.type;
    this.errors = document.errors ?? [];
    this.try = document.try;
  }
}

/** Bytes that are not those they should be, or not in the form that they should have. */
export class Damaged extends Error {
  name = "Damaged";
}

/** A spec, or a part of one, that `draw` leaves to a server. */
export class Undrawable extends Error {
  name = "Undrawable";
}

// ---- Asking a server

const RETRIED = [429, 502, 503, 504];

export class Client {
  #key;

  /**
   * `attempts` counts how often a request is made before it is given up; `delay` is the first wait, in milliseconds.
   * `key` is an API key, where the server wants one: in Node that of INITSERVE_KEY, unless another is given.
   */
  constructor(url, { attempts = 5, delay = 200, key = globalThis.process?.env?.INITSERVE_KEY } = {}) {
    this.#key = key;
    this.url = url.replace(/\/$/, "");
    this.attempts = attempts;
    this.delay = delay;
  }

  /** POST /init: every array by its key, each compared with its digest. */
  async init(spec) {
    const answer = await (await this.#post("/init", spec)).json();
    const separator = answer.layout === "pytorch" ? "." : "/";
    const arrays = new Map();
    for (const layer of answer.layers)
      for (const parameter of layer.parameters) {
        const key = [layer.name, parameter.name].filter(Boolean).join(separator);
        const array = readNpy(fromBase64(parameter.npy));
        if (hexadecimal(sha256(array.bytes)) !== parameter.sha256) throw new Damaged(`${key} has not the bytes of its digest`);
        arrays.set(key, array);
      }
    return arrays;
  }

  /** POST /plan: what a spec's weights would be, with links to them; nothing is drawn. */
  async plan(spec) {
    return (await this.#post("/plan", spec)).json();
  }

  /** The whole of what is at an address, as bytes; where the connection breaks, it goes on from there. */
  async download(address, progress) {
    let bytes = null;
    let kept = 0;
    await this.#receive(
      address,
      (length) => (bytes = new Uint8Array(length)),
      (part) => {
        bytes.set(part, kept);
        kept += part.length;
      },
      progress,
    );
    return bytes;
  }

  /** Every array of a spec by its key, by way of its safetensors file: any dtype, any size that memory holds. */
  async tensors(spec, progress) {
    return readSafetensors(await this.download((await this.plan(spec)).links.safetensors, progress));
  }

  /** Write a spec's safetensors file (Node alone). It has its name only when it is whole. */
  async save(spec, path, progress) {
    const { open, rename, rm } = await import("node:fs/promises");
    const { links } = await this.plan(spec);
    if (links?.safetensors === undefined) throw new Undrawable("the server has no address for this spec; see its warnings");
    const part = `${path}.part`;
    const file = await open(part, "w");
    try {
      await this.#receive(links.safetensors, () => file.truncate(0), (bytes) => file.writeFile(bytes), progress);
    } catch (error) {
      await file.close();
      await rm(part);
      throw error;
    }
    await file.close();
    await rename(part, path);
  }

  async #post(route, spec) {
    const body = JSON.stringify(spec, (_, value) => (typeof value === "bigint" ? String(value) : value));
    return this.#ask(route, { method: "POST", headers: { "content-type": "application/json" }, body });
  }

  /** An answer that is no refusal; asked for again, after a while, where the server is busy or not there. */
  async #ask(address, { headers, ...options }) {
    if (this.#key) headers = { ...headers, authorization: `Bearer ${this.#key}` };
    for (let attempt = 1; ; attempt++) {
      let answer;
      try {
        answer = await fetch(this.url + address, { headers, ...options });
      } catch (error) {
        if (attempt >= this.attempts) throw error;
      }
      if (answer?.ok) return answer;
      if (answer && (attempt >= this.attempts || !RETRIED.includes(answer.status))) throw await problemOf(answer);
      await this.#wait(attempt, Number(answer?.headers.get("retry-after")));
    }
  }

  #wait(attempt, seconds) {
    return new Promise((resolve) => setTimeout(resolve, seconds > 0 ? 1000 * seconds : this.delay * 2 ** (attempt - 1)));
  }

  async #receive(address, begin, accept, progress = () => {}) {
    let [length, kept, failures, etag, wanted, digest] = [null, 0, 0, null, null, null];
    while (length === null || kept < length) {
      const headers = { "want-repr-digest": "sha-256=1", "accept-encoding": "identity" };
      if (kept > 0) Object.assign(headers, { range: `bytes=${kept}-`, "if-range": etag });
      const answer = await this.#ask(address, { headers });
      if (kept > 0 && (answer.status !== 206 || firstOf(answer) !== kept))
        throw new Damaged(`${address} changed while it was being fetched`);
      if (kept === 0) {
        length = Number(answer.headers.get("content-length"));
        etag = answer.headers.get("etag");
        digest = new Sha256();
        wanted = null;
        await begin(length);
      }
      wanted ??= answer.headers.get("repr-digest")?.match(/sha-256=:([^:]*):/)?.[1] ?? null;
      try {
        for await (const bytes of chunksOf(answer)) {
          await accept(bytes);
          digest.update(bytes);
          kept += bytes.length;
          failures = 0;
          progress(kept, length);
        }
      } catch (error) {
        if (++failures >= this.attempts || error instanceof RangeError) throw error;
      }
      if (kept > length) throw new Damaged(`${address} is longer than it said`);
      if (kept < length) await this.#wait(Math.max(failures, 1));
    }
    if (wanted !== null && hexadecimal(digest.digest()) !== hexadecimal(fromBase64(wanted)))
      throw new Damaged(`${address} has not the bytes of its digest`);
  }
}

const firstOf = (answer) => Number(answer.headers.get("content-range")?.match(/^bytes (\d+)-/)?.[1]);

async function* chunksOf(answer) {
  const reader = answer.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

async function problemOf(answer) {
  const text = await answer.text();
  try {
    return new Problem({ status: answer.status, ...JSON.parse(text) });
  } catch {
    return new Problem({ status: answer.status, title: `${answer.status} ${text.slice(0, 200)}` });
  }
}

function fromBase64(text) {
  const characters = atob(text);
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// ---- Reading files. An array is {dtype, shape, data, bytes}: data are its values, halves widened to float32.

const WIDTHS = { float64: 8, float32: 4, float16: 2, bfloat16: 2 };
const NPY = { "<f8": "float64", "<f4": "float32", "<f2": "float16" };
const SAFETENSORS = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" };

/** The array of a .npy file. */
export function readNpy(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 12 || view.getUint32(0) !== 0x934e554d || view.getUint16(4) !== 0x5059)
    throw new Damaged("this is not a .npy file");
  const start = file[6] === 1 ? 10 : 12;
  const end = start + (file[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder("latin1").decode(file.subarray(start, end));
  const descr = header.match(/'descr': *'([^']*)'/)?.[1];
  const shape = header.match(/'shape': *\(([^)]*)\)/)?.[1];
  if (NPY[descr] === undefined || shape === undefined || !/'fortran_order': *False/.test(header))
    throw new Damaged(`arrays as ${header.trim()} are not read here`);
  return arrayOf(NPY[descr], shape.split(",").map((size) => size.trim()).filter(Boolean).map(Number), file.subarray(end));
}

/** The arrays of a .safetensors file by their keys. */
export function readSafetensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const length = file.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (8 + length > file.length) throw new Damaged("this is not a whole .safetensors file");
  const arrays = new Map();
  for (const [key, entry] of Object.entries(JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))))) {
    if (key === "__metadata__") continue;
    const dtype = SAFETENSORS[entry.dtype];
    if (dtype === undefined) throw new Damaged(`${key} is of ${entry.dtype}, which is not read here`);
    const [start, end] = entry.data_offsets;
    arrays.set(key, arrayOf(dtype, entry.shape, file.subarray(8 + length + start, 8 + length + end)));
  }
  return arrays;
}

function arrayOf(dtype, shape, bytes) {
  if (bytes.length !== WIDTHS[dtype] * product(shape)) throw new Damaged(`${bytes.length} bytes are no ${dtype} of (${shape})`);
  const own = bytes.slice(); // aligned
  if (dtype === "float64") return { dtype, shape, data: new Float64Array(own.buffer), bytes: own };
  if (dtype === "float32") return { dtype, shape, data: new Float32Array(own.buffer), bytes: own };
  const widened = dtype === "float16" ? fromFloat16 : fromBfloat16;
  const halves = new Uint16Array(own.buffer);
  const data = new Float32Array(halves.length);
  for (let i = 0; i < data.length; i++) data[i] = widened(halves[i]);
  return { dtype, shape, data, bytes: own };
}

const product = (sizes) => sizes.reduce((found, size) => found * size, 1);
const scratch = new DataView(new ArrayBuffer(8));
const single = new Float32Array(1);
const bitsOfSingle = new Uint32Array(single.buffer);

function bitsOf(value) {
  single[0] = value;
  return bitsOfSingle[0];
}

function ofBits(bits) {
  bitsOfSingle[0] = bits;
  return single[0];
}

const fromBfloat16 = (bits) => ofBits((bits << 16) >>> 0);

function fromFloat16(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 0x3ff];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : sign * fraction * 2 ** -24;
}

// ---- SHA-256 (FIPS 180-4)

const primes = Array.from({ length: 310 }, (_, n) => n + 2).filter((n) => !Array.from({ length: n - 2 }, (_, d) => d + 2).some((d) => n % d === 0));

/** The first 32 bits behind the point of n's root of this degree. */
function rootBits(n, degree) {
  const scaled = BigInt(n) << BigInt(32 * degree);
  let root = 0n;
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if ((root + bit) ** BigInt(degree) <= scaled) root += bit;
  return Number(root & 0xffffffffn);
}

const ROUNDS = Uint32Array.from(primes.slice(0, 64), (n) => rootBits(n, 3));
const START = Uint32Array.from(primes.slice(0, 8), (n) => rootBits(n, 2));

class Sha256 {
  #state = START.slice();
  #block = new Uint8Array(64);
  #view = new DataView(this.#block.buffer);
  #w = new Uint32Array(64);
  #length = 0;

  update(bytes) {
    for (let at = 0; at < bytes.length; ) {
      const filled = this.#length % 64;
      const taken = Math.min(64 - filled, bytes.length - at);
      this.#block.set(bytes.subarray(at, at + taken), filled);
      this.#length += taken;
      at += taken;
      if (filled + taken === 64) this.#compress();
    }
    return this;
  }

  digest() {
    const bits = this.#length * 8;
    this.update(new Uint8Array([0x80, ...new Uint8Array((119 - (this.#length % 64)) % 64)]));
    const end = new DataView(new ArrayBuffer(8));
    end.setUint32(0, Math.floor(bits / 2 ** 32));
    end.setUint32(4, bits >>> 0);
    this.update(new Uint8Array(end.buffer));
    const found = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, i) => found.setUint32(4 * i, word));
    return new Uint8Array(found.buffer);
  }

  #compress() {
    const w = this.#w;
    for (let i = 0; i < 16; i++) w[i] = this.#view.getUint32(4 * i);
    for (let i = 16; i < 64; i++) {
      const [x, y] = [w[i - 15], w[i - 2]];
      w[i] = w[i - 16] + w[i - 7] + (turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)) + (turned(y, 17) ^ turned(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
      const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (this.#state[i] += word));
  }
}

const turned = (x, bits) => (x >>> bits) | (x << (32 - bits));

/** The SHA-256 of bytes, as bytes. */
export const sha256 = (bytes) => new Sha256().update(bytes).digest();

// ---- Words (section 2)

// Of a product of two words, each given by its halves, the upper 32 bits: sums of halves' products fit a word.
function highOfProduct(a1, a0, b1, b0) {
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const other = (Math.imul(a0, b1) + (middle & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (middle >>> 16) + (other >>> 16)) | 0;
}

function checkSeed(seed) {
  const isWhole = typeof seed === "bigint" || Number.isSafeInteger(seed) || (typeof seed === "string" && /^\d+$/.test(seed));
  if (!isWhole || BigInt(seed) < 0n || BigInt(seed) >> 64n) throw new Undrawable(`a seed is 0 … 2^64 - 1, above 2^53 a string or BigInt, not ${seed}`);
}

/** The words of a parameter's elements, from `first` (below 2^53) on: a Uint32Array. */
export function words(seed, path, first, count) {
  checkSeed(seed);
  const name = new TextEncoder().encode(path);
  const message = new Uint8Array(20 + name.length);
  message.set(new TextEncoder().encode("initserve/1"));
  new DataView(message.buffer).setBigUint64(12, BigInt(seed), true);
  message.set(name, 20);
  const digest = new DataView(sha256(message).buffer);
  const [d0, d1, d2, d3] = [0, 4, 8, 12].map((place) => digest.getInt32(place, true));
  const found = new Uint32Array(count);
  for (let at = -(first % 4), block = Math.floor(first / 4); at < count; at += 4, block++) {
    let c0 = block | 0;
    let c1 = Math.floor(block / 2 ** 32) | 0;
    let c2 = d2;
    let c3 = d3;
    let k0 = d0;
    let k1 = d1;
    for (let round = 0; round < 10; round++) {
      const p = highOfProduct(0xd251, 0x1f53, c0 >>> 16, c0 & 0xffff);
      const r = highOfProduct(0xcd9e, 0x8d57, c2 >>> 16, c2 & 0xffff);
      const low = Math.imul(0xcd9e8d57, c2);
      const other = Math.imul(0xd2511f53, c0);
      c0 = r ^ c1 ^ k0;
      c1 = low;
      c2 = p ^ c3 ^ k1;
      c3 = other;
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    if (at >= 0) found[at] = c0; // stores beyond the end of a typed array do nothing
    if (at + 1 >= 0) found[at + 1] = c1;
    if (at + 2 >= 0) found[at + 2] = c2;
    if (at + 3 >= 0) found[at + 3] = c3;
  }
  return found;
}

// ---- Exact numbers (section 1): integers that count units of 2^-BEHIND

const BEHIND = 1300n;
const ONE = 1n << BEHIND;
const times = (a, b) => (a * b) >> BEHIND;
const over = (a, b) => (a << BEHIND) / b;

function exactOf(x) {
  scratch.setFloat64(0, x);
  const bits = scratch.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = (bits & ((1n << 52n) - 1n)) | (exponent ? 1n << 52n : 0n);
  const size = fraction << (BEHIND + (exponent || 1n) - 1075n);
  return bits >> 63n ? -size : size;
}

function rounded(exact) {
  const size = exact < 0n ? -exact : exact;
  const dropped = BigInt(Math.max(0, size.toString(2).length - 64));
  const kept = size >> dropped;
  const sticky = kept << dropped === size ? kept : kept | 1n; // Number() rounds to nearest, ties to even
  const found = Number(sticky) * 2 ** -600 * 2 ** (Number(dropped - BEHIND) + 600);
  return exact < 0n ? -found : found;
}

function rootOf(exact) {
  const scaled = exact << BEHIND;
  let root = 1n << BigInt(Math.ceil(scaled.toString(2).length / 2));
  for (let next = (root + scaled / root) >> 1n; next < root; next = (root + scaled / root) >> 1n) root = next;
  return root;
}

function arctangentOfOneOver(n) {
  let power = ONE / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum;
}

const PI = 16n * arctangentOfOneOver(5n) - 4n * arctangentOfOneOver(239n); // Machin 1706

/** The standard normal density. */
function density(x) {
  if (!Number.isFinite(x)) return 0n;
  const y = times(exactOf(x), exactOf(x)) >> 17n; // x^2 / 2, halved 16 times more
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; term !== 0n; n++) {
    term = -times(term, y) / n;
    sum += term;
  }
  for (let i = 0; i < 16; i++) sum = times(sum, sum);
  return over(sum, rootOf(2n * PI));
}

/** Φ(x) - ½. */
function central(x) {
  if (Math.abs(x) > 12) return x < 0 ? -ONE / 2n : ONE / 2n;
  const square = times(exactOf(x), exactOf(x));
  let term = times(exactOf(Math.abs(x)), density(x));
  let sum = term;
  for (let odd = 3n; term !== 0n; odd += 2n) {
    term = times(term, square) / odd;
    sum += term;
  }
  return x < 0 ? -sum : sum;
}

const cuts = new Map();

/** What is needed of a normal distribution that is cut at these bounds (section 5), and its deviation (section 9). */
function cutAt(lower, upper) {
  const key = `${lower} ${upper}`;
  if (!cuts.has(key)) {
    const [start, end] = [central(lower), central(upper)];
    const width = end - start;
    const [left, right] = [density(lower), density(upper)];
    const mean = over(left - right, width);
    const edges = (left && times(exactOf(lower), left)) - (right && times(exactOf(upper), right));
    const deviation = rounded(rootOf(ONE + over(edges, width) - times(mean, mean)));
    const [below, above] = [rounded(ONE / 2n + start), rounded(ONE / 2n - end)];
    cuts.set(key, { below, above, start: rounded(start), end: rounded(end), width: rounded(width), mean: rounded(mean), deviation });
  }
  return cuts.get(key);
}

// ---- Values (sections 3 to 5 and 7)

const f = Math.fround;

// Where a word comes to lie between two ends: `offsetOf` counts it from the place of 0, in steps of 2^-32 of the width.
function lineBetween(start, end, width) {
  const zero = start >= 0 ? 0 : end <= 0 ? 2 ** 32 : (-start / width) * 2 ** 32;
  const whole = Math.floor(zero);
  const [high, low, fraction] = [Math.floor(whole / 65536), whole % 65536, f(0.5 - (zero - whole))];
  const offsetOf = (word) => f(((word >>> 16) - high) * 65536 + f((word & 0xffff) - low + fraction));
  return { offsetOf, step: width / 2 ** 32, anchor: start >= 0 ? start : end <= 0 ? end : 0 };
}

function neighbour(x, up) {
  if (x === 0) return up ? 2 ** -149 : -(2 ** -149);
  return ofBits(bitsOf(x) + (x > 0 === up ? 1 : -1));
}
const leastNotBelow = (bound) => (f(bound) < bound ? neighbour(f(bound), true) : f(bound));
const greatestNotAbove = (bound) => (f(bound) > bound ? neighbour(f(bound), false) : f(bound));

function within(value, least, greatest) {
  const raised = value > least ? value : least;
  return raised < greatest ? raised : greatest;
}

const cubic = ([c0, c1, c2, c3]) => (x) => f(c0 + f(x * f(c1 + f(x * f(c2 + f(x * c3))))));
const [A, B, C, D] = [
  [0x1b18d92 / 2 ** 23, -0x19379b6 / 2 ** 19, 0x13e95ac / 2 ** 17, -0x1d8e192 / 2 ** 19],
  [1, -0x11e52ce / 2 ** 20, 0x13b0872 / 2 ** 18, -0x10cc0d0 / 2 ** 18],
  [0x188bc1e / 2 ** 24, 0x12df542 / 2 ** 23, 0x1db3834 / 2 ** 25, 0x1a58c56 / 2 ** 28],
  [1, 0x13d1080 / 2 ** 25, 0x165299e / 2 ** 28, 0x15eac72 / 2 ** 42],
].map(cubic);
const L = [0x15d7544 / 2 ** 27, -0x1173e2c / 2 ** 26, 0x13065ac / 2 ** 26, -0x16f93b0 / 2 ** 26, 0x1ebff06 / 2 ** 26, -0x171582e / 2 ** 25, 0x17154c4 / 2 ** 24];

function log2(p) {
  const m = (bitsOf(p) - 0x3f3504f3) | 0;
  const t = f(ofBits((m & 0x007fffff) + 0x3f3504f3) - 1);
  let found = L[0];
  for (let i = 1; i < L.length; i++) found = f(L[i] + f(t * found));
  return f((m >> 23) + f(t * found));
}

function quantile(q, p) {
  if (Math.abs(q) <= f(0.425)) {
    const x = f(f(q * q) - f(0.180625));
    return f(q * f(A(x) / B(x)));
  }
  const y = f(f(Math.sqrt(-log2(p))) - 2);
  const z = f(C(y) / D(y));
  return q < 0 ? -z : z;
}

// A distribution has loops of its own: one that calls now this function, now that one, is several times as slow.

/** Uniform from `low` to `high`: what words become, as float32 (`singles`) and as float64 (`doubles`). */
export function uniform(low, high) {
  const { offsetOf, step, anchor } = lineBetween(low, high, high - low);
  const [stride, zero, least, greatest] = [f(step), f(anchor), leastNotBelow(low), greatestNotAbove(high)];
  return {
    kind: "uniform",
    expected: { mean: low / 2 + high / 2, deviation: (high - low) / Math.sqrt(12), low, high },
    singles(all) {
      const found = new Float32Array(all.length);
      for (let i = 0; i < found.length; i++) found[i] = within(f(zero + f(offsetOf(all[i]) * stride)), least, greatest);
      return found;
    },
    doubles(all) {
      const found = new Float64Array(all.length);
      for (let i = 0; i < found.length; i++) found[i] = within(offsetOf(all[i]) * step + anchor, low, high);
      return found;
    },
  };
}

function constant(value) {
  return {
    kind: "constant",
    expected: { mean: value, deviation: 0, low: value, high: value },
    value,
    singles: ({ length }) => new Float32Array(length).fill(value),
    doubles: ({ length }) => new Float64Array(length).fill(value),
  };
}

/** Normal, cut at bounds that are counted in deviations; `low` and `high` are the same bounds as values. */
export function normal(mean, deviation, lower = -Infinity, upper = Infinity, low = mean + lower * deviation, high = mean + upper * deviation) {
  if (deviation === 0) return constant(mean);
  const cut = cutAt(lower, upper);
  const line = lineBetween(cut.start, cut.end, cut.width);
  const [step, anchor, below, above] = [line.step, line.anchor, cut.below, cut.above].map(f);
  const [middle, spread, least, greatest] = [f(mean), f(deviation), leastNotBelow(low), greatestNotAbove(high)];
  function standard(word) {
    const q = f(anchor + f(line.offsetOf(word) * step));
    const n = q < 0 ? word : ~word >>> 0;
    return quantile(q, f(f(f(f(n) + 0.5) * step) + (q < 0 ? below : above)));
  }
  const bound = (value) => (Number.isFinite(value) ? value : null);
  return {
    kind: "normal",
    location: mean,
    scale: deviation,
    expected: { mean: mean + deviation * cut.mean, deviation: deviation * cut.deviation, low: bound(low), high: bound(high) },
    singles(all) {
      const found = new Float32Array(all.length);
      for (let i = 0; i < found.length; i++) found[i] = within(f(middle + f(standard(all[i]) * spread)), least, greatest);
      return found;
    },
    doubles(all) {
      const found = new Float64Array(all.length);
      for (let i = 0; i < found.length; i++) found[i] = within(standard(all[i]) * deviation + mean, low, high);
      return found;
    },
  };
}

/** The bit pattern of the nearest float16, of a float32; ties go to even. */
function toFloat16(value) {
  const bits = bitsOf(value);
  const [sign, size] = [(bits >>> 16) & 0x8000, bits & 0x7fffffff];
  if (size >= 0x477ff000) return sign | 0x7c00; // 65520 and more
  // Below 2^-14 it counts units of 2^-24: adding 2^52 to a number and taking it away leaves whole ones.
  if (size < 0x38800000) return sign | (Math.abs(value) * 2 ** 24 + 2 ** 52 - 2 ** 52);
  return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
}

function toBfloat16(value) {
  const bits = bitsOf(value);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) / 65536) & 0xffff;
}

function arrayOfValues(dtype, shape, values) {
  if (dtype !== "float16" && dtype !== "bfloat16") return arrayOf(dtype, shape, new Uint8Array(values.buffer));
  const halves = new Uint16Array(values.length);
  const bitsOfHalf = dtype === "float16" ? toFloat16 : toBfloat16;
  for (let i = 0; i < halves.length; i++) halves[i] = bitsOfHalf(values[i]);
  return arrayOf(dtype, shape, new Uint8Array(halves.buffer));
}

// ---- Schemes (sections 8 and 9): those whose elements need nothing of each other

const scaled = (scale, mode, distribution) => ["variance_scaling", { scale, mode, distribution }];
const SCHEMES = {
  zeros: ["constant", { value: 0 }],
  ones: ["constant", { value: 1 }],
  constant: ["constant", { value: 0 }],
  random_normal: ["random_normal", { mean: 0, stddev: 0.05 }],
  small_normal: ["random_normal", { mean: 0, stddev: 0.001 }],
  random_uniform: ["random_uniform", { minval: -0.05, maxval: 0.05 }],
  small_uniform: ["random_uniform", { minval: -0.001, maxval: 0.001 }],
  truncated_normal: ["truncated_normal", { mean: 0, stddev: 0.05, lower: -2, upper: 2, preserve_std: false }],
  bounded_normal: ["bounded_normal", { mean: 0, stddev: 1, minval: -2, maxval: 2 }],
  variance_scaling: scaled(1, "fan_in", "truncated_normal"),
  glorot_normal: scaled(1, "fan_avg", "truncated_normal"),
  glorot_uniform: scaled(1, "fan_avg", "uniform"),
  he_normal: scaled(2, "fan_in", "truncated_normal"),
  he_uniform: scaled(2, "fan_in", "uniform"),
  lecun_normal: scaled(1, "fan_in", "truncated_normal"),
  lecun_uniform: scaled(1, "fan_in", "uniform"),
};

/** The schemes that are drawn here, by name, with what each of their arguments is unless it is stated. */
export const schemes = Object.fromEntries(Object.entries(SCHEMES).map(([name, [, defaults]]) => [name, defaults]));

const FANS = {
  fan_in: ([fanIn]) => fanIn,
  fan_out: ([, fanOut]) => fanOut,
  fan_avg: ([fanIn, fanOut]) => (fanIn + fanOut) / 2,
  fan_geo_avg: ([fanIn, fanOut]) => Math.sqrt(fanIn * fanOut),
};
const SPREADS = {
  uniform: (v) => uniform(-Math.sqrt(3 * v), Math.sqrt(3 * v)),
  untruncated_normal: (v) => normal(0, Math.sqrt(v)),
  truncated_normal: (v) => normal(0, Math.sqrt(v) / 0.87962566103423978, -2, 2),
  uncorrected_normal: (v) => normal(0, Math.sqrt(v), -2, 2),
};
const FAMILIES = {
  constant: ({ value }) => constant(value),
  random_normal: ({ mean, stddev }) => normal(mean, stddev),
  random_uniform: ({ minval, maxval }) => uniform(minval, maxval),
  truncated_normal: ({ mean, stddev, lower, upper, preserve_std }) =>
    normal(mean, preserve_std ? stddev / cutAt(lower, upper).deviation : stddev, lower, upper),
  bounded_normal: ({ mean, stddev, minval, maxval }) => {
    const [lower, upper] = [(minval - mean) / stddev, (maxval - mean) / stddev];
    const uncut = -lower > 1e300 || upper > 1e300 || !Number.isFinite(lower + upper);
    return uncut ? normal(mean, stddev) : normal(mean, stddev, lower, upper, minval, maxval);
  },
  variance_scaling: ({ scale, mode, distribution }, fans) =>
    known(SPREADS, distribution, "distribution")(scale / Math.max(1, known(FANS, mode, "mode")(fans))),
};

const [LARGEST, FARTHEST] = [1.7e38, 8]; // of an argument; of a bound, in deviations
const inReach = (lower, upper) => lower < upper && lower <= FARTHEST && upper >= -FARTHEST;
const SOUND = {
  constant: () => true,
  random_normal: ({ stddev }) => stddev >= 0,
  random_uniform: ({ minval, maxval }) => minval < maxval,
  truncated_normal: ({ stddev, lower, upper }) => stddev >= 0 && inReach(lower, upper),
  bounded_normal: ({ mean, stddev, minval, maxval }) =>
    stddev > 0 ? minval < maxval && inReach((minval - mean) / stddev, (maxval - mean) / stddev) : stddev === 0 && minval < maxval && minval <= mean && mean <= maxval,
  variance_scaling: ({ scale }) => scale > 0,
};

const isOfKind = (value, usual) => typeof value === typeof usual && (typeof value !== "number" || Math.abs(value) <= LARGEST);

function known(table, name, what) {
  if (!Object.hasOwn(table, name)) throw new Undrawable(`the ${what} ${JSON.stringify(name)} is left to a server`);
  return table[name];
}

/** The scheme with all its arguments, and the distribution that it comes to for an array with these fans. */
function realise(scheme, fans, gain) {
  const { name, ...given } = typeof scheme === "string" ? { name: scheme } : scheme;
  const [family, defaults] = known(SCHEMES, name, "scheme");
  for (const argument of Object.keys(given)) known(defaults, argument, `argument of ${name}`);
  const all = { ...defaults, ...given, ...(gain === undefined ? {} : { scale: gain * gain }) };
  if (!Object.keys(all).every((argument) => isOfKind(all[argument], defaults[argument])) || !SOUND[family](all))
    throw new Undrawable(`${name} does not take ${JSON.stringify(given)}`);
  return { scheme: { name: gain === undefined ? name : family, ...all }, distribution: FAMILIES[family](all, fans) };
}

const BY_ACTIVATION = Object.fromEntries([
  ..."relu relu6 leaky_relu prelu squared_relu elu celu gelu quick_gelu silu mish hard_swish".split(" ").map((name) => [name, "he_normal"]),
  ..."linear softmax tanh sigmoid softsign hard_tanh hard_sigmoid tanhshrink sin exp softplus log_sigmoid".split(" ").map((name) => [name, "glorot_uniform"]),
  ["selu", "lecun_normal"],
]);
/** The activations for which a scheme is known. */
export const activations = Object.keys(BY_ACTIVATION);

const BY_ROLE = { bias: "zeros", embedding: { name: "random_normal", stddev: 0.02 }, scale: "ones", shift: "zeros" };

// ---- Layers and layouts (sections 10 and 11). A parameter: name, PyTorch's name and axes, shape, role, member, fans.

const parameter = (name, torch, shape, role, member, fans, axes) => ({ name, torch, shape, role, member, fans, axes });

function biased(kernel, width) {
  return [kernel, parameter("bias", "bias", [width], "bias", "bias", kernel.fans)];
}

function dense({ shape: [inputs, outputs] }) {
  return biased(parameter("kernel", "weight", [inputs, outputs], "weights", "scheme", [inputs, outputs], [1, 0]), outputs);
}

function convolution({ shape, groups: stated }) {
  const groups = stated ?? 1;
  if (!isSize(groups)) throw new Undrawable(`${groups} groups are none`);
  const window = shape.slice(0, -2);
  const [inputs, outputs] = shape.slice(-2);
  if (inputs % groups || outputs % groups) throw new Undrawable(`${groups} groups do not divide the channels`);
  const fans = [(product(window) * inputs) / groups, (product(window) * outputs) / groups];
  const axes = [window.length + 1, window.length, ...window.keys()];
  return biased(parameter("kernel", "weight", [...window, inputs / groups, outputs], "weights", "scheme", fans, axes), outputs);
}

function normalisation({ shape }) {
  const fans = [product(shape), product(shape)];
  return [
    parameter("gamma", "weight", shape, "scale", "scheme", fans),
    parameter("beta", "bias", shape, "shift", "bias", fans),
  ];
}

function batchNormalisation(layer) {
  const [{ shape, fans }] = normalisation(layer);
  return [
    ...normalisation(layer),
    parameter("moving_mean", "running_mean", shape, "shift", null, fans),
    parameter("moving_variance", "running_var", shape, "scale", null, fans),
  ];
}

function bareFans(shape) {
  if (shape.length < 2) return [product(shape), product(shape)];
  const window = product(shape.slice(0, -2));
  return [window * shape.at(-2), window * shape.at(-1)];
}

function tensor({ shape, fan_in, fan_out }) {
  const [fanIn, fanOut] = bareFans(shape);
  return [parameter("value", "value", shape, "weights", "scheme", [fan_in ?? fanIn, fan_out ?? fanOut])];
}

const COMMON = ["name", "type", "shape", "activation", "scheme", "seed", "gain", "inputs"];
// What a network has between its layers changes no weight: types without any, and members that say how others run.
const WEIGHTLESS = new Set([
  "add", "multiply", "concatenate", "activation", "flatten", "reshape", "transpose", "max_pool", "average_pool",
  "global_average_pool", "upsample", "pad", "split", "scale", "tied", "dot_product_attention", "relative_positions", "rotary",
]);
const SLIDING = ["bias", "groups", "strides", "padding", "dilation"];
const LAYERS = {
  dense: { members: ["bias"], sizes: 2, parameters: dense },
  conv1d: { members: SLIDING, sizes: 3, parameters: convolution },
  conv2d: { members: SLIDING, sizes: 4, parameters: convolution },
  conv3d: { members: SLIDING, sizes: 5, parameters: convolution },
  embedding: {
    members: [],
    sizes: 2,
    parameters: ({ shape }) => [parameter("embeddings", "weight", shape, "embedding", "scheme", shape)],
  },
  batch_norm: { members: ["bias", "epsilon"], parameters: batchNormalisation },
  layer_norm: { members: ["bias", "epsilon"], parameters: normalisation },
  group_norm: { members: ["bias", "epsilon", "num_groups"], parameters: normalisation },
  instance_norm: { members: ["bias", "epsilon"], parameters: normalisation },
  rms_norm: {
    members: ["epsilon"],
    parameters: ({ shape }) => [parameter("scale", "weight", shape, "scale", "scheme", bareFans([product(shape)]))],
  },
  tensor: { members: ["fan_in", "fan_out"], sizes: null, parameters: tensor },
};

function startOf(layer, { role, member, fans }) {
  const asked = (member && layer[member]) ?? "auto";
  if (asked !== "auto" && asked.name !== "auto") return realise(asked, fans);
  if (role !== "weights") return realise(BY_ROLE[role], fans);
  return realise(known(BY_ACTIVATION, layer.activation ?? "linear", "activation"), fans, layer.gain ?? undefined);
}

/** An array with its axes in another order. */
function moved(values, shape, axes) {
  const steps = shape.map((_, axis) => product(shape.slice(axis + 1)));
  const sizes = axes.map((axis) => shape[axis]);
  const found = new values.constructor(values.length);
  const index = sizes.map(() => 0);
  for (let to = 0, from = 0; to < found.length; to++) {
    found[to] = values[from];
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      from += steps[axes[axis]];
      if (++index[axis] < sizes[axis]) break;
      from -= sizes[axis] * steps[axes[axis]];
      index[axis] = 0;
    }
  }
  return [found, sizes];
}

const isSize = (size) => Number.isSafeInteger(size) && size > 0;
const fits = (axes, sizes) => (sizes === undefined ? axes > 0 : sizes === null || axes === sizes);

const SPEC = ["algorithm", "seed", "layout", "dtype", "defaults", "fans", "input_shape", "layers"];
const NAME = /^\.*[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;
const ONLY = { algorithm: "initserve/1", defaults: "recommended", fans: "true" };

/**
 * The arrays of a spec by their keys, made here: bytes as a server would send them. Of layers dense, conv1d … conv3d,
 * embedding, the normalisations and tensor; of schemes those in which no element needs another; of layouts Keras's and
 * PyTorch's. What else a spec asks for is an Undrawable.
 */
export function draw(spec) {
  const { layout, dtype } = formOf(spec);
  const arrays = new Map();
  for (const { key, seed, path, parameter, distribution } of sourcesOf(spec, layout)) {
    arrays.set(key, drawn(seed, path, parameter, distribution, layout, dtype));
  }
  return arrays;
}

function formOf(spec) {
  for (const member of Object.keys(spec)) known(Object.fromEntries(SPEC.map((name) => [name, 1])), member, "member");
  for (const [member, only] of Object.entries(ONLY)) known({ [only]: 1 }, spec[member] ?? only, member);
  const layout = spec.layout ?? "keras";
  const dtype = spec.dtype ?? "float32";
  known({ keras: 1, pytorch: 1 }, layout, "layout");
  known(WIDTHS, dtype, "dtype");
  return { layout, dtype };
}

/**
 * What `draw` draws each array from, by its key: {layer, shape in Keras's layout, scheme with all its arguments, distribution}. The distribution
 * tells its kind (constant, uniform or normal) with its numbers, and what to expect of its values.
 */
export function sources(spec) {
  const found = [...sourcesOf(spec, formOf(spec).layout)];
  return new Map(found.map(({ key, layer, parameter: { shape }, scheme, distribution }) => [key, { layer, shape, scheme, distribution }]));
}

function* sourcesOf(spec, layout) {
  const keys = new Set();
  const weighted = spec.layers.filter(({ type }) => !WEIGHTLESS.has(type));
  for (const [index, layer] of weighted.entries()) {
    const name = layer.name ?? `${layer.type}_${index}`;
    if (!NAME.test(name)) throw new Undrawable(`${JSON.stringify(name)} is no layer's name`);
    const seed = layer.seed ?? spec.seed;
    checkSeed(seed);
    for (const parameter of parametersOf(layer)) {
      const key = layout === "keras" ? `${name}/${parameter.name}` : `${name}.${parameter.torch}`;
      if (keys.has(key)) throw new Undrawable(`two arrays would be called ${key}`);
      keys.add(key);
      yield { key, seed, path: `${name}/${parameter.name}`, layer: name, parameter, ...startOf(layer, parameter) };
    }
  }
}

function parametersOf(layer) {
  const { members, sizes, parameters } = known(LAYERS, layer.type, "layer type");
  for (const member of Object.keys(layer)) known(Object.fromEntries([...COMMON, ...members].map((name) => [name, 1])), member, `member of ${layer.type}`);
  known(BY_ACTIVATION, layer.activation ?? "linear", "activation");
  if (!Array.isArray(layer.shape) || !layer.shape.every(isSize) || !fits(layer.shape.length, sizes))
    throw new Undrawable(`(${layer.shape}) is not the shape of a ${layer.type}`);
  const gain = layer.gain ?? 1;
  if (!isOfKind(gain, 1) || !(gain > 0)) throw new Undrawable(`${gain} is no gain`);
  return parameters(layer).filter(({ member }) => member !== "bias" || layer.bias !== null);
}

function areFinite(values) {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

function drawn(seed, path, { shape, axes }, distribution, layout, dtype) {
  const all = distribution.kind === "constant" ? { length: product(shape) } : words(seed, path, 0, product(shape));
  const values = dtype === "float64" ? distribution.doubles(all) : distribution.singles(all);
  const [arranged, sizes] = layout === "pytorch" && axes ? moved(values, shape, axes) : [values, shape];
  const array = arrayOfValues(dtype, sizes, arranged);
  if (!areFinite(array.data)) throw new Undrawable(`${dtype} cannot hold the values of ${path}`);
  return array;
}
