// The page's side of its worker, which begins when it is first asked.
let worker = null;
let asked = 0;
const waiting = new Map();

function begun() {
  if (worker) return worker;
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data: { number, found, failure } }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (failure === undefined) resolve(found);
    else reject(new Error(failure));
  });
  worker.addEventListener("error", (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message ?? "the worker does not start"));
    waiting.clear();
  });
  return worker;
}

// What the worker finds when it `does` something with `given`.
export function beside(does, given) {
  const number = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    begun().postMessage({ ...given, does, number });
  });
}
