// The types of the client are those that its user meets: this file is checked, and run.
import { Client, draw, Problem, readNpy, type Arrays, type NamedArray, type Spec } from "initserve";

const spec: Spec = { seed: 42, layers: [{ name: "fc1", type: "dense", shape: [3, 2], activation: "relu" }] };
const client = new Client(process.argv[2]!, { attempts: 2 });

const asked: Arrays = await client.init(spec);
const drawn: Arrays = draw(spec);
const kernel: NamedArray = drawn.get("fc1/kernel")!;
if (kernel.dtype === "float64") throw new Error(`${kernel.data satisfies Float64Array} is not float32`);
const values: Float32Array = kernel.data;
if (values.some((value, i) => value !== asked.get("fc1/kernel")!.data[i])) throw new Error("drawn is not served");

const whole: Arrays = await client.tensors(spec, (received: number, length: number) => void [received, length]);
const total: number = (await client.plan(spec)).totals.elements;
try {
  await client.init({ layers: [{ type: "dens", shape: [3, 2] }] });
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  const [first] = error.errors;
  console.log(error.status, first!.pointer, JSON.stringify(error.try), whole.size, total, typeof readNpy);
}
// @ts-expect-error a seed is no object
draw({ seed: {}, layers: [] } satisfies Spec);
