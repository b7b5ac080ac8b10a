// Colours as every reader of SVG knows them: the browser's own words for mixed ones are its alone.
const known = new Map();
let pen = null;

export function paint(colour) {
  if (colour === "none" || colour.startsWith("url(") || colour.startsWith("rgb(")) return colour;
  if (!known.has(colour)) known.set(colour, measured(colour));
  return known.get(colour);
}

function measured(colour) {
  pen ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? `rgb(${red}, ${green}, ${blue})` : `rgba(${red}, ${green}, ${blue}, ${(alpha / 255).toFixed(3)})`;
}
