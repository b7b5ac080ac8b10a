// A diverging scale of colours for weights: blue below 0, orange above, told apart by every kind of eye.
const STOPS = {
  light: {
    below: ["#f4f2ee", "#c5d8ea", "#86b0d6", "#3f7cb8", "#123f78"],
    above: ["#f4f2ee", "#f6d3a8", "#e8a257", "#bf661a", "#6d2f05"],
  },
  dark: {
    below: ["#1b2127", "#23456d", "#2f6fae", "#62a6df", "#c2e0fb"],
    above: ["#1b2127", "#5b3a17", "#a3611b", "#e09741", "#fde0b3"],
  },
};

// The page's theme now, as the reader chose it or else the system has it.
export function themeOf() {
  const { theme } = document.documentElement.dataset;
  return theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// The colour of a place from -1 to 1, as [red, green, blue].
export function colourAt(place, theme) {
  const stops = STOPS[theme][place < 0 ? "below" : "above"];
  const along = Math.min(1, Math.abs(place)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(along));
  const [from, to] = [channels(stops[index]), channels(stops[index + 1])];
  return from.map((start, channel) => Math.round(start + (to[channel] - start) * (along - index)));
}

const TABLE = 512;
const tables = new Map();

// So many rows and columns of colours as the address of a picture; `placeOf` tells what is at each.
export function pictureOf(rows, columns, placeOf, theme) {
  if (!tables.has(theme)) tables.set(theme, Array.from({ length: TABLE + 1 }, (_, index) => colourAt((2 * index) / TABLE - 1, theme)));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  for (let row = 0, to = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, to += 4) {
      const [red, green, blue] = tables.get(theme)[Math.round(((placeOf(row, column) + 1) * TABLE) / 2)];
      picture.data[to] = red;
      picture.data[to + 1] = green;
      picture.data[to + 2] = blue;
      picture.data[to + 3] = 255;
    }
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}
