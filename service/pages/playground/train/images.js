// Some of the images, each with what a network answers, and whether that is right.
import { h, svg } from "../frame/dom.js";
import { figure } from "../charts/charts.js";
import { percent, t } from "../words/language.js";

const SIDE = 8; // pixels of an image
const CELL = 40; // of the picture: an image with its answer
const SHOWN = 30; // of the cell: the image
const ANSWER = 16; // below it
const INK = [238, 242, 245];
const PLATE = "#1b2730";

// `look` is null before a network has been seen.
export function imagesFigure({ examples, look, width, key, title, note }) {
  const columns = width < 420 ? 5 : 10;
  const rows = Math.ceil(examples.images.length / columns);
  const answers = examples.images.map((_, index) => (look ? answerOf(look.answers[index]) : null));
  const right = answers.filter((answer, index) => answer?.digit === examples.labels[index]).length;
  const box = { class: "chart images", viewBox: `0 0 ${columns * CELL} ${rows * (CELL + ANSWER)}`, role: "img" };
  const words = { title, right, count: answers.length };
  const chart = svg("svg", { ...box, "aria-label": look ? t("train.images.text", words) : title });
  examples.images.forEach((image, index) => {
    const [x, y] = [(index % columns) * CELL + (CELL - SHOWN) / 2, Math.floor(index / columns) * (CELL + ANSWER)];
    chart.append(
      svg("rect", { x, y, width: SHOWN, height: SHOWN, rx: 3, fill: PLATE }),
      svg("image", { href: drawn(image), x, y, width: SHOWN, height: SHOWN, class: "pixels" }),
    );
    if (answers[index]) chart.append(answerText(answers[index], examples.labels[index], x + SHOWN / 2, y + SHOWN + ANSWER));
  });
  return figure({ key, title, chart, note, table: tableOf(title, examples, answers) });
}

function answerOf(chances) {
  const best = chances.reduce((most, chance, index) => (chance > chances[most] ? index : most), 0);
  return chances[best] === null ? { digit: null, share: null } : { digit: best, share: chances[best] };
}

const answerText = ({ digit }, label, x, y) =>
  svg(
    "text",
    { class: `answer ${digit === label ? "is-right" : "is-wrong"}`, x, y, "text-anchor": "middle" },
    `${digit ?? "–"} ${digit === label ? "✓" : "✗"}`,
  );

const known = new WeakMap(); // pictures of images that stay the same throughout a training
const canvas = document.createElement("canvas");

function drawn(image) {
  if (!known.has(image)) {
    canvas.width = canvas.height = SIDE;
    const pixels = new ImageData(SIDE, SIDE);
    image.forEach((ink, index) => pixels.data.set([...INK, 255 * ink], 4 * index));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    known.set(image, canvas.toDataURL());
  }
  return known.get(image);
}

function tableOf(title, { labels }, answers) {
  return {
    caption: title,
    columns: [t("train.image"), t("train.answer"), t("train.sure")],
    rows: labels.map((label, index) => [`${label}`, h("span", {}, `${answers[index]?.digit ?? "–"}`), percent(answers[index]?.share)]),
  };
}
