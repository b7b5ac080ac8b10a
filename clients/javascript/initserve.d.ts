/** Types of initserve.js: a client of initserve, and its stream drawn on the spot. */

export type DType = "float64" | "float32" | "float16" | "bfloat16";
export type Layout =
  | "keras"
  | "pytorch"
  | "flax"
  | "flax_transpose_kernel"
  | "equinox"
  | "haiku"
  | "mlx"
  | "onnx"
  | "tensorflow1";

/** A scheme by name, or with its arguments. */
export type Scheme = string | { name: string; [argument: string]: unknown };

export interface Layer {
  type: string;
  name?: string;
  shape?: number[];
  activation?: string | null;
  scheme?: Scheme | null;
  bias?: Scheme | null;
  seed?: number | bigint | string | null;
  [member: string]: unknown;
}

/** What is asked for; openapi.json says every member. */
export interface Spec {
  seed?: number | bigint | string | null;
  layout?: Layout;
  dtype?: DType;
  layers?: Layer[];
  [member: string]: unknown;
}

/** An array in C order: its values (halves widened to float32), and its bytes as they are sent. */
export type NamedArray =
  | { dtype: "float64"; shape: number[]; data: Float64Array; bytes: Uint8Array }
  | { dtype: "float32" | "float16" | "bfloat16"; shape: number[]; data: Float32Array; bytes: Uint8Array };

/** By key: `layer/array`, in PyTorch's layout `layer.array`. */
export type Arrays = Map<string, NamedArray>;

export interface Plan {
  algorithm: string;
  seed: string;
  layout: Layout;
  dtype: DType;
  totals: { parameters: number; elements: number; bytes: number };
  links?: { json: string; npz: string; safetensors: string; statistics: string; [format: string]: string };
  [member: string]: unknown;
}

/** Called as bytes come: how many are here, of how many. */
export type Progress = (received: number, length: number) => void;

export declare class Client {
  readonly url: string;
  constructor(url: string, options?: { attempts?: number; delay?: number; key?: string });
  init(spec: Spec): Promise<Arrays>;
  plan(spec: Spec): Promise<Plan>;
  tensors(spec: Spec, progress?: Progress): Promise<Arrays>;
  download(address: string, progress?: Progress): Promise<Uint8Array>;
  save(spec: Spec, path: string, progress?: Progress): Promise<void>;
}

/** What a server refused; `message` has its detail and its `try`. */
export declare class Problem extends Error {
  readonly status: number;
  readonly type?: string;
  readonly errors: { pointer: string; detail: string }[];
  readonly try?: unknown;
}

/** Bytes that are not those they should be. */
export declare class Damaged extends Error {}

/** A spec that `draw` leaves to a server. */
export declare class Undrawable extends Error {}

export declare function readNpy(file: Uint8Array): NamedArray;
export declare function readSafetensors(file: Uint8Array): Arrays;
export declare function sha256(bytes: Uint8Array): Uint8Array;
export declare function words(seed: number | bigint | string, path: string, first: number, count: number): Uint32Array;
export declare function draw(spec: Spec): Arrays;

/** The schemes that `draw` knows, by name, with what each of their arguments is unless it is stated. */
export declare const schemes: Record<string, Record<string, number | string | boolean>>;

/** The activations that `draw` knows. */
export declare const activations: string[];

/** What words become: as float32, and as float64. */
export interface Distribution {
  readonly kind: "constant" | "uniform" | "normal";
  readonly value?: number;
  readonly location?: number;
  readonly scale?: number;
  readonly expected: { mean: number; deviation: number; low: number | null; high: number | null };
  singles(words: Uint32Array): Float32Array;
  doubles(words: Uint32Array): Float64Array;
}

/** What `draw` draws each array from, by its key. */
export declare function sources(spec: Spec): Map<
  string,
  { layer: string; shape: number[]; scheme: Record<string, unknown>; distribution: Distribution }
>;

/** Uniform from `low` to `high`. */
export declare function uniform(low: number, high: number): Distribution;

/** Normal, cut at bounds that are counted in deviations; `low` and `high` are the same bounds as values. */
export declare function normal(
  mean: number,
  deviation: number,
  lower?: number,
  upper?: number,
  low?: number,
  high?: number,
): Distribution;
