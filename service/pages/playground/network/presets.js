// Networks to begin with: what a spec has beside its seed.

const dense = (name, from, to, activation, inputs) => ({
  name,
  type: "dense",
  shape: [from, to],
  activation,
  ...(inputs && { inputs }),
});
const add = (name, ...inputs) => ({ name, type: "add", inputs });
const conv = (name, from, to, activation, more) => ({ name, type: "conv2d", shape: [3, 3, from, to], activation, ...more });

function chain(widths, activation, last) {
  const layers = widths.slice(1).map((width, index) => {
    const end = index === widths.length - 2;
    return dense(end ? "out" : `fc${index + 1}`, widths[index], width, end ? last : activation);
  });
  return { layers };
}

// Blocks one after the other: each takes what the one before gives, whose name `block` returns with its layers.
function stacked(count, first, block) {
  let stream = first;
  return Array.from({ length: count }, (_, index) => {
    const layers = block(`block${index + 1}`, stream);
    stream = layers.at(-1).name;
    return layers;
  }).flat();
}

const residual = (name, stream) => [
  { name: `${name}.norm`, type: "layer_norm", shape: [64], inputs: [stream] },
  dense(`${name}.fc1`, 64, 128, "relu"),
  dense(`${name}.fc2`, 128, 64, "linear"),
  add(`${name}.add`, stream, `${name}.fc2`),
];

const transformer = (name, stream) => [
  { name: `${name}.norm1`, type: "layer_norm", shape: [64], inputs: [stream] },
  { name: `${name}.attention`, type: "multi_head_attention", shape: [64, 4, 16], causal: true },
  add(`${name}.add1`, stream, `${name}.attention`),
  { name: `${name}.norm2`, type: "layer_norm", shape: [64] },
  dense(`${name}.fc1`, 64, 256, "gelu"),
  dense(`${name}.fc2`, 256, 64, "linear"),
  add(`${name}.add2`, `${name}.add1`, `${name}.fc2`),
];

// The first block of ResNet that halves the places: its shortcut is a convolution too.
const resnet = () => [
  conv("stem", 3, 16, "relu", { padding: "same" }),
  conv("block1.conv1", 16, 16, "linear", { padding: "same" }),
  { name: "block1.norm1", type: "batch_norm", shape: [16], activation: "relu" },
  conv("block1.conv2", 16, 16, "linear", { padding: "same" }),
  { name: "block1.norm2", type: "batch_norm", shape: [16] },
  add("block1.add", "stem", "block1.norm2"),
  { name: "block1.relu", type: "activation", activation: "relu" },
  conv("block2.conv1", 16, 32, "linear", { padding: "same", strides: 2 }),
  { name: "block2.norm1", type: "batch_norm", shape: [32], activation: "relu" },
  conv("block2.conv2", 32, 32, "linear", { padding: "same" }),
  { name: "block2.norm2", type: "batch_norm", shape: [32] },
  { name: "block2.shortcut", type: "conv2d", shape: [1, 1, 16, 32], strides: 2, padding: "same", inputs: ["block1.relu"] },
  add("block2.add", "block2.shortcut", "block2.norm2"),
  { name: "block2.relu", type: "activation", activation: "relu" },
  { name: "pool", type: "global_average_pool" },
  dense("out", 32, 10, "softmax"),
];

// Thirty layers: there Glorot's missing factor of 2 a layer is one of 2³⁰ in the variance.
export const PRESETS = {
  mlp: () => chain([784, ...Array(7).fill(128), 10], "relu", "softmax"),
  relu30: () => chain([64, ...Array(29).fill(64), 10], "relu", "softmax"),
  tanh20: () => chain([64, ...Array(19).fill(64), 10], "tanh", "softmax"),
  residual: () => ({
    input_shape: [64],
    layers: [
      dense("in", 64, 64, "linear"),
      ...stacked(12, "in", residual),
      { name: "norm", type: "layer_norm", shape: [64] },
      dense("out", 64, 10, "softmax"),
    ],
  }),
  lenet5: () => ({
    input_shape: [32, 32, 1],
    layers: [
      { name: "conv1", type: "conv2d", shape: [5, 5, 1, 6], activation: "tanh", padding: "valid" },
      { name: "pool1", type: "average_pool", window: 2 },
      { name: "conv2", type: "conv2d", shape: [5, 5, 6, 16], activation: "tanh", padding: "valid" },
      { name: "pool2", type: "average_pool", window: 2 },
      { name: "conv3", type: "conv2d", shape: [5, 5, 16, 120], activation: "tanh", padding: "valid" },
      { name: "flatten", type: "flatten" },
      dense("fc1", 120, 84, "tanh"),
      dense("out", 84, 10, "softmax"),
    ],
  }),
  resnet: () => ({ input_shape: [32, 32, 3], layers: resnet() }),
  conv: () => ({
    layers: [
      conv("conv1", 3, 32, "relu"),
      { name: "norm1", type: "batch_norm", shape: [32] },
      conv("conv2", 32, 64, "relu"),
      { name: "norm2", type: "batch_norm", shape: [64] },
      conv("conv3", 64, 128, "relu"),
      dense("out", 128, 10, "softmax"),
    ],
  }),
  lstm: () => ({
    layers: [
      // The usual N(0, 0.02²) is for what a normalisation follows; here nothing does.
      { name: "words", type: "embedding", shape: [1000, 64], scheme: { name: "random_normal", stddev: 1 } },
      { name: "lstm", type: "lstm", shape: [64, 128] },
      dense("out", 128, 10, "softmax"),
    ],
  }),
  transformer: () => ({
    input_shape: [32],
    layers: [
      { name: "words", type: "embedding", shape: [1000, 64] },
      ...stacked(2, "words", transformer),
      { name: "norm", type: "layer_norm", shape: [64] },
      dense("out", 64, 1000, "linear"),
    ],
  }),
};
