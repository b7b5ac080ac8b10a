// What an array is called in a layout: its layer's name, and its own.
const DOTTED = ["pytorch", "equinox", "mlx", "onnx"];

export const separatorOf = (layout) => (DOTTED.includes(layout) ? "." : "/");
export const nameOf = ({ layout }, layer, { name }) => [layer.name, name].filter(Boolean).join(separatorOf(layout));
