// NumPy, R, Julia, JavaScript and curl: the arrays by their names, with no framework.
import { pythonFetch, pythonImports } from "./fetching.js";
import { Unwritten } from "../../streams/unwritten.js";

const json = ({ posted }) => JSON.stringify(posted.spec);
const quoted = (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

export function numpyProgram(asked) {
  return [
    ...pythonImports(asked),
    "",
    "import numpy as np",
    "",
    ...pythonFetch(asked, "npz"),
    'weights = dict(np.load("weights.npz"))',
    "print({name: array.shape for name, array in weights.items()})",
  ];
}

export function rProgram(asked) {
  const { address, posted, dtype } = asked;
  const sizes = { float32: 4, float64: 8 };
  if (!(dtype in sizes)) throw new Unwritten("lines.dtype", { dtype });
  const fetched = address
    ? [`address <- "${address}"`, 'download.file(address, "weights.safetensors", mode = "wb", quiet = TRUE)']
    : [
        `spec <- ${quoted(json(asked))}`,
        'handle <- curl::new_handle(postfields = spec, httpheader = "content-type: application/json")',
        `curl::curl_fetch_disk("${posted.url}?format=safetensors", "weights.safetensors", handle)`,
      ];
  return [
    "# install.packages(\"jsonlite\")",
    ...fetched,
    'bytes <- readBin("weights.safetensors", "raw", file.size("weights.safetensors"))',
    'length <- readBin(bytes, "integer", 1, size = 4, endian = "little")',
    "header <- jsonlite::fromJSON(rawToChar(bytes[9:(8 + length)]), simplifyVector = FALSE)",
    "read <- function(entry) {",
    "  place <- 8 + length + unlist(entry$data_offsets)",
    "  shape <- unlist(entry$shape)",
    `  values <- readBin(bytes[seq_len(diff(place)) + place[1]], "numeric", prod(shape), size = ${sizes[dtype]}, endian = "little")`,
    "  if (length(shape) > 1) aperm(array(values, rev(shape))) else values",
    "}",
    'weights <- lapply(header[names(header) != "__metadata__"], read)',
    "str(weights)",
  ];
}

const JULIA = { float64: "Float64", float32: "Float32", float16: "Float16" };

export function juliaProgram(asked) {
  const { address, posted, dtype } = asked;
  if (!(dtype in JULIA)) throw new Unwritten("lines.dtype", { dtype });
  const fetched = address
    ? [`address = "${address}"`, 'Downloads.download(address, "weights.safetensors")']
    : [
        `spec = raw"""${json(asked)}"""`,
        `Downloads.request("${posted.url}?format=safetensors"; method = "POST", input = IOBuffer(spec),`,
        '    output = "weights.safetensors", headers = ["content-type" => "application/json"])',
      ];
  return [
    '# using Pkg; Pkg.add("JSON")',
    "using Downloads, JSON",
    "",
    ...fetched,
    'bytes = read("weights.safetensors")',
    "count = Int(ltoh(only(reinterpret(UInt64, bytes[1:8]))))",
    "header = JSON.parse(String(bytes[9:8+count]))",
    "function array(entry)",
    "    first, last = 8 + count .+ entry[\"data_offsets\"]",
    "    shape = Int.(entry[\"shape\"])",
    `    values = collect(ltoh.(reinterpret(${JULIA[dtype]}, bytes[first+1:last])))`,
    "    return permutedims(reshape(values, reverse(shape)...), length(shape):-1:1)",
    "end",
    'weights = Dict(name => array(entry) for (name, entry) in header if name != "__metadata__")',
    "foreach(name -> println(name, \" \", size(weights[name])), sort(collect(keys(weights))))",
  ];
}

const ARRAYS = { float64: ["F64", "Float64Array"], float32: ["F32", "Float32Array"] };

export function javascriptProgram(asked) {
  const { address, posted, dtype } = asked;
  if (!(dtype in ARRAYS)) throw new Unwritten("lines.dtype", { dtype });
  const fetched = address
    ? [`const address = "${address}";`, 'const response = await fetch(address, { headers: { "want-repr-digest": "sha-256=1" } });']
    : [
        `const spec = ${JSON.stringify(posted.spec, null, 2)};`,
        `const response = await fetch("${posted.url}?format=safetensors", {`,
        '  method: "POST",',
        '  headers: { "content-type": "application/json" },',
        "  body: JSON.stringify(spec),",
        "});",
      ];
  const checked = [
    'const digest = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", file))));',
    'const sent = response.headers.get("repr-digest");',
    "if (sent && sent !== `sha-256=:${digest}:`) throw new Error(\"the file was damaged on its way\");",
  ];
  const [, kind] = ARRAYS[dtype];
  return [
    ...fetched,
    "if (!response.ok) throw new Error(await response.text());",
    "const file = await response.arrayBuffer();",
    ...(address ? checked : []),
    "const start = 8 + Number(new DataView(file).getBigUint64(0, true));",
    "const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, start - 8)));",
    "const weights = {};",
    "for (const [name, { shape, data_offsets: [first, last] }] of Object.entries(header).filter(([name]) => name !== \"__metadata__\"))",
    `  weights[name] = { shape, values: new ${kind}(file.slice(start + first, start + last)) }; // row by row`,
    "console.log(Object.entries(weights).map(([name, { shape }]) => `${name} ${shape.join(\" x \")}`).join(\"\\n\"));",
  ];
}

export function curlProgram({ address, posted }) {
  if (address) return [`curl -f -o weights.safetensors \\`, `  "${address}"`];
  return [
    `curl -f -o weights.safetensors "${posted.url}?format=safetensors" \\`,
    "  --header 'content-type: application/json' \\",
    `  --data '${JSON.stringify(posted.spec, null, 2).replaceAll("'", "'\\''")}'`,
  ];
}
