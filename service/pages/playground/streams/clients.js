// initserve/1's lines in four languages: one array, from its address.
import { float } from "./python.js";
import { Unwritten } from "./unwritten.js";

const TYPES = {
  python: { float32: "", float64: "", float16: "" },
  r: { float32: 4, float64: 8 },
  julia: { float32: "Float32", float64: "Float64", float16: "Float16" },
  javascript: { float32: "Float32Array", float64: "Float64Array" },
};
export const CLIENTS = Object.keys(TYPES);
const SOME = 5; // values that are printed

const WRITTEN = {
  python: ({ npy }) => [
    "import io, urllib.request",
    "import numpy as np",
    "",
    `address = "${npy}"`,
    "array = np.load(io.BytesIO(urllib.request.urlopen(address).read()))",
    `print(array.flatten()[:${SOME}].tolist())`,
  ],
  r: ({ raw, shape, count }, width) => [
    `address <- "${raw}"`,
    `values <- readBin(connection <- url(address, "rb"), "numeric", ${count}, size = ${width}, endian = "little")`,
    "close(connection)",
    ...(shape.length > 1 ? [`array <- aperm(array(values, c(${[...shape].reverse().join(", ")}))) # ${shape.join(" x ")}, row by row`] : []),
    `cat(sprintf("%.${digitsOf(width)}g", head(values, ${SOME})), sep = ", ")`,
  ],
  julia: ({ raw, shape }, type) => [
    "using Downloads",
    "",
    `address = "${raw}"`,
    `values = reinterpret(${type}, take!(Downloads.download(address, IOBuffer())))`,
    ...(shape.length > 1
      ? [`array = permutedims(reshape(values, ${[...shape].reverse().join(", ")}), ${shape.length}:-1:1) # ${shape.join(" x ")}, row by row`]
      : []),
    `println(Float64.(first(values, ${SOME})))`,
  ],
  javascript: ({ raw }, type) => [
    `const response = await fetch("${raw}");`,
    `const values = new ${type}(await response.arrayBuffer()); // row by row`,
    `console.log(JSON.stringify([...values.slice(0, ${SOME})]));`,
  ],
};

const digitsOf = (width) => (width === 4 ? 9 : 17);

export function clientLines(client, { links, shape, dtype }, absolute) {
  if (!links) throw new Unwritten("lines.no-address");
  const type = TYPES[client][dtype];
  if (type === undefined) throw new Unwritten("lines.dtype", { dtype });
  const count = shape.reduce((product, size) => product * size, 1);
  const [npy, raw] = [links.npy, links.raw].map((link) => link && absolute(link));
  return WRITTEN[client]({ npy, raw, shape, count }, type);
}

// What the lines print of these values.
export function printed(client, values, dtype) {
  if (client === "python") return `[${values.map(float).join(", ")}]`;
  if (client === "javascript") return JSON.stringify(values);
  if (client === "r") return values.map((value) => general(value, digitsOf(TYPES.r[dtype]))).join(", ");
  return `[${values.map(julian).join(", ")}]`;
}

// As C's %g: so many significant digits, without the zeros at their end.
function general(value, digits) {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const shorter = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return shorter(value.toFixed(digits - 1 - exponent));
  return `${shorter(mantissa)}e${exponent < 0 ? "-" : "+"}${`${Math.abs(exponent)}`.padStart(2, "0")}`;
}

// Julia writes an exponent below -4 and from 6 on, with at least one decimal and without zeros before it.
function julian(value) {
  const [mantissa, exponent] = value.toExponential().split("e").map((part, index) => (index ? Number(part) : part));
  if (value !== 0 && (exponent < -5 || exponent >= 6)) return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}e${exponent}`;
  return value !== 0 && exponent === -5 ? `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}e-5` : float(value);
}
