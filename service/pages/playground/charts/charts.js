// Small charts in plain SVG: axes, bands, lines, bars and marks on linear or logarithmic scales.
import "./words.js";
import { h, svg } from "../frame/dom.js";
import { readable } from "./reading.js";
import { saveButton } from "./saving.js";
import { exact, number, power, t } from "../words/language.js";

const MARGIN = { top: 12, right: 14, bottom: 38, left: 46 };
const ZERO_STRIP = 20; // pixels under a logarithmic axis for values that are exactly 0
const NAME = 12; // room for what an axis is called, above it
const APART = 16; // pixels between two labels
const LETTER = 6.6; // width of a letter of a tick's label, in pixels

export function linear(low, high) {
  return {
    low,
    high,
    place: (value) => (value - low) / (high - low),
    ticks: (count) => linearTicks(low, high, count),
    format: exact,
  };
}

export function logarithmic(low, high) {
  const [from, to] = [Math.log10(low), Math.log10(high)];
  return {
    low,
    high,
    logarithmic: true,
    place: (value) => (Math.log10(value) - from) / (to - from),
    ticks: (count) => logarithmicTicks(from, to, count),
    format: power,
  };
}

function linearTicks(low, high, count) {
  const rough = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((candidate) => candidate >= rough * 0.999);
  const ticks = [];
  // Adding 0 turns -0, which would be written with its sign, into 0.
  for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick += 1)
    ticks.push(tick * step + 0);
  return ticks;
}

// Decades; within less than two of them also their doubles and halves, or even steps where those are too few.
function logarithmicTicks(from, to, count) {
  const step = Math.max(1, Math.ceil((to - from) / count));
  const ticks = [];
  if (to - from < 2) {
    for (let exponent = Math.floor(from); exponent <= to; exponent += 1)
      ticks.push(...[1, 2, 5].map((factor) => factor * 10 ** exponent));
    const within = ticks.filter((tick) => tick >= 10 ** from && tick <= 10 ** to);
    const even = [5, 8, 12].map((wanted) => linearTicks(10 ** from, 10 ** to, wanted));
    return [within, ...even].find((found) => found.length > 2) ?? within;
  }
  for (let exponent = Math.ceil((from - 1e-9) / step) * step; exponent <= to + 1e-9; exponent += step)
    ticks.push(10 ** exponent);
  return ticks;
}

// The range that holds all positive values, with some room.
export function reach(values) {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  if (!positive.length) return [0.1, 10];
  return [Math.min(...positive) / 1.4, Math.max(...positive) * 1.4];
}

export class Chart {
  // `x` and `y` are {scale, label, ticks, format}; `zero` keeps a strip for values of 0 under a logarithmic scale.
  constructor({ width, height, x, y, label, zero = false, margin = {} }) {
    this.margin = { ...MARGIN, ...margin };
    Object.assign(this, { width, height, x, y, zero });
    this.left = this.margin.left;
    this.right = width - this.margin.right;
    this.top = this.margin.top + (y.label ? NAME : 0);
    this.bottom = height - this.margin.bottom;
    this.floor = zero ? this.bottom - ZERO_STRIP : this.bottom;
    this.svg = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    this.rows = []; // what a reader may walk along
    this.back = this.add("g", {});
    this.#axes();
  }

  // Rows of stops for a reader to walk along, made once somebody does, in place of the points of lines and bars;
  // charts/reading.js says what a stop is.
  reads(makeRows) {
    if (!this.rows.length) readable(this, () => this.rows.flatMap((make) => make()));
    this.rows = [makeRows];
    return this;
  }

  #readsToo(makeRow) {
    const before = this.rows;
    this.reads(() => [makeRow()]);
    this.rows.unshift(...before);
  }

  #stop(x, y, name, words) {
    const label = this.x.label ? `${this.x.label} ` : "";
    const format = this.x.format ?? this.x.scale.format;
    return { x: this.X(x), y: this.Y(y), words: [name, `${label}${format(x) || exact(x)}`, words].filter(Boolean) };
  }

  add(tag, properties, ...children) {
    const element = svg(tag, properties, ...children);
    this.svg.append(element);
    return element;
  }

  X(value) {
    return this.left + this.x.scale.place(value) * (this.right - this.left);
  }

  // Beyond the scale means at its edge: a value that left the picture is still seen to have left.
  Y(value) {
    if (this.zero && !(value > 0)) return this.bottom - ZERO_STRIP / 4;
    const place = Math.min(1, Math.max(0, this.y.scale.place(value)));
    return this.floor - place * (this.floor - this.top);
  }

  #axes() {
    const axes = this.add("g", { class: "axes", "aria-hidden": "true" });
    this.#vertical(axes);
    this.#horizontal(axes);
  }

  #vertical(axes) {
    const {
      scale,
      label,
      ticks = scale.ticks(Math.max(2, (this.floor - this.top) / 34)),
      format = scale.format,
    } = this.y;
    for (const tick of ticks) {
      const y = this.Y(tick);
      axes.append(svg("line", { class: "grid", x1: this.left, x2: this.right, y1: y, y2: y }));
      axes.append(svg("text", { x: this.left - 7, y: y + 4, "text-anchor": "end" }, format(tick)));
    }
    if (this.zero) {
      const y = this.Y(0);
      axes.append(svg("line", { class: "break", x1: this.left, x2: this.right, y1: this.floor, y2: this.floor }));
      axes.append(svg("text", { x: this.left - 7, y: y + 4, "text-anchor": "end" }, "0"));
    }
    if (label) {
      axes.append(svg("text", { x: this.left - 7, y: 12, "text-anchor": "end" }, label));
    }
  }

  // As many ticks as have room for what is written under them.
  #fitting(scale, format) {
    const counts = [8, 7, 6, 5, 4, 3, 2];
    const longest = (ticks) => Math.max(...ticks.map((tick) => format(tick).length)) * LETTER;
    const fits = (ticks) => ticks.length < 2 || this.X(ticks[1]) - this.X(ticks[0]) > longest(ticks) + APART;
    return counts.map((count) => scale.ticks(count)).find(fits) ?? [];
  }

  #horizontal(axes) {
    const { scale, label, format = scale.format, ticks = this.#fitting(scale, format) } = this.x;
    axes.append(svg("line", { class: "base", x1: this.left, x2: this.right, y1: this.bottom, y2: this.bottom }));
    for (const tick of ticks) {
      const x = this.X(tick);
      const text = format(tick);
      const half = (text.length * LETTER) / 2;
      // A label at the picture's edge is drawn inwards, so that none is cut.
      const anchor = x + half > this.width - 2 ? "end" : x - half < 2 ? "start" : "middle";
      axes.append(svg("line", { class: "tick", x1: x, x2: x, y1: this.bottom, y2: this.bottom + 4 }));
      axes.append(
        svg(
          "text",
          {
            x: anchor === "end" ? this.width - 2 : anchor === "start" ? 2 : x,
            y: this.bottom + 17,
            "text-anchor": anchor,
          },
          text,
        ),
      );
    }
    if (label)
      axes.append(svg("text", { x: (this.left + this.right) / 2, y: this.height - 4, "text-anchor": "middle" }, label));
  }

  band(low, high, kind) {
    const [top, bottom] = [this.Y(high), this.Y(low)];
    this.back.append(
      svg("rect", {
        class: `band ${kind}`,
        x: this.left,
        width: this.right - this.left,
        y: top,
        height: Math.max(0, bottom - top),
      }),
    );
    return this;
  }

  column(low, high, kind) {
    const [from, to] = [this.X(low), this.X(high)];
    this.back.append(
      svg("rect", { class: `band ${kind}`, x: from, width: to - from, y: this.top, height: this.bottom - this.top }),
    );
    return this;
  }

  // A gap in the points (a value that is not a number) is a gap in the line. `name` is what its values are called.
  line(points, kind, name = "") {
    let path = "";
    let pen = "M";
    for (const [x, y] of points) {
      if (!Number.isFinite(y)) {
        pen = "M";
        continue;
      }
      path += `${pen}${this.X(x).toFixed(1)} ${this.Y(y).toFixed(1)}`;
      pen = "L";
    }
    this.add("path", { class: `line ${kind}`, d: path || "M0 0" });
    this.#readsToo(() => points.filter(([, y]) => !Number.isNaN(y)).map(([x, y]) => this.#stop(x, y, name, number(y))));
    return this;
  }

  bars(edges, heights, kind) {
    let path = "";
    heights.forEach((height, index) => {
      if (!(height > 0)) return;
      const [left, right, top] = [this.X(edges[index]), this.X(edges[index + 1]), this.Y(height)];
      path += `M${left.toFixed(2)} ${this.bottom}V${top.toFixed(2)}H${right.toFixed(2)}V${this.bottom}z`;
    });
    this.add("path", { class: `bars ${kind}`, d: path || "M0 0" });
    return this;
  }
}

export function legend(entries) {
  return h(
    "ul",
    { class: "legend" },
    entries.map(({ sample, text }) => h("li", {}, sample, h("span", {}, text))),
  );
}

export const lineSample = (kind) =>
  svg(
    "svg",
    { class: "sample", viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" },
    svg("path", { class: `line ${kind}`, d: "M1 6H25" }),
  );

export const areaSample = (kind) =>
  svg(
    "svg",
    { class: "sample", viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" },
    svg("rect", { class: kind, x: 1, y: 1, width: 24, height: 10, rx: 2 }),
  );

// A chart with its words, and its numbers for whoever reads tables rather than pictures.
export function figure({ key, title, chart, entries = [], note, table }) {
  chart.dataset.key = `chart-${key}`; // who reads it by keyboard stays with it when it is drawn anew
  return h(
    "figure",
    { class: "figure" },
    h("figcaption", {}, title),
    saveButton(key, title),
    chart,
    entries.length ? legend(entries) : null,
    note ? h("p", { class: "note" }, note) : null,
    folded({ class: "numbers", "data-key": `numbers-${key}` }, [t("numbers")], () => numbers(table)),
  );
}

// What is made once it is unfolded: long tables would keep the page waiting for what few open.
export function folded(properties, summary, make) {
  const key = properties["data-key"];
  const fold = h("details", properties, h("summary", { "data-key": `summary-${key}` }, summary));
  const fill = () => {
    if (!fold.open) return;
    fold.append(...[make()].flat(Infinity).filter(Boolean));
    fold.removeEventListener("toggle", fill);
  };
  fold.addEventListener("toggle", fill);
  return fold;
}

export function numbers({ caption, columns, rows }) {
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": t("table", { caption }) },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((column) => h("th", { scope: "col" }, column)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map(([head, ...cells]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, head),
            cells.map((cell) => h("td", {}, cell)),
          ),
        ),
      ),
    ),
  );
}
