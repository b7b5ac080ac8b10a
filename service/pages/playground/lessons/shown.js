// One sentence of what a training showed, from its results: the one that the step claims where they bear it out.
import { number, percent, t, times } from "../words/language.js";

const SAME = 0.01; // of a loss: ends no farther apart are one
const APART = 1.5; // times: ends farther apart are not

const ends = (runs) => runs.map(({ final_loss }) => final_loss);
const spread = (runs) => Math.max(...ends(runs)) / Math.min(...ends(runs));
const of = (runs, start) => runs.find((run) => run.start === start);
const share = (run) => (run.accuracy === null ? t("lesson.shown.overflow") : t("lesson.share", { share: percent(run.accuracy) }));
const learns = (runs, ...expected) => expected.every(([start, learnt]) => of(runs, start).learnt === learnt);

const SHOWN = {
  convex([runs]) {
    const [low, high] = [Math.min(...ends(runs)), Math.max(...ends(runs))];
    return [spread(runs) <= 1 + SAME, { count: runs.length, loss: number(low), low: number(low), high: number(high) }];
  },
  valleys([flat, curved]) {
    const values = { count: flat.length, flat: number(Math.min(...ends(flat))), low: number(Math.min(...ends(curved))), high: number(Math.max(...ends(curved))) };
    return [spread(flat) <= 1 + SAME && spread(curved) > APART, { ...values, times: times(spread(curved)) }];
  },
  zones([runs]) {
    const values = { small: share(of(runs, "small")), he: share(of(runs, "he")), large: share(of(runs, "large")) };
    return [learns(runs, ["small", false], ["he", true], ["large", false]), values];
  },
  symmetry([runs]) {
    const fixed = ["zeros", "tenth", "five"].map((start) => of(runs, start).accuracy ?? 0);
    const values = { fixed: percent(Math.max(...fixed)), random: share(of(runs, "glorot")) };
    return [learns(runs, ["zeros", false], ["tenth", false], ["five", false], ["glorot", true]), values];
  },
  scale([runs]) {
    const values = { small: share(of(runs, "small")), middle: share(of(runs, "middle")), large: share(of(runs, "large")) };
    return [learns(runs, ["small", false], ["middle", true], ["large", false]), values];
  },
  glorot([runs]) {
    return [learns(runs, ["old", false], ["glorot", true]), { old: share(of(runs, "old")), glorot: share(of(runs, "glorot")) }];
  },
  he([runs]) {
    return [learns(runs, ["glorot", false], ["he", true]), { glorot: share(of(runs, "glorot")), he: share(of(runs, "he")) }];
  },
  keras([few, many]) {
    const values = { few: share(of(few, "default")), fewHe: share(of(few, "he")), many: share(of(many, "default")), manyHe: share(of(many, "he")) };
    return [learns(few, ["default", true], ["he", true]) && learns(many, ["default", false], ["he", true]), values];
  },
};

// `trained` has the runs of each training.
export function shown(id, trained) {
  const [borne, values] = SHOWN[id](trained);
  return t(`lesson.${id}.${borne ? "shown" : "otherwise"}`, values);
}
