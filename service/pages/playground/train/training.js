// One training that is watched: it goes on, is stopped, and goes on again; in this browser where it can, else in the
// service. Whoever shows it is told of every change.
import { events, isOffline, isShut, Problem } from "../frame/service.js";
import * as live from "../live/live.js";
import { lookOf } from "./looks.js";
import { planned, remaining } from "./question.js";

export class Training {
  // `question` as POST /train takes it; `changed` is called whenever there is something new to see.
  constructor(question, changed) {
    this.asked = question;
    this.changed = changed;
    this.planned = planned(question);
    this.total = this.planned.length;
    this.near = live.trainable(question);
    this.runs = [];
    this.examples = null;
    this.problem = null;
    this.running = false;
    this.spent = 0; // milliseconds, without those in which it stood still
    this.kept = 0; // steps that were done when it last went on: what is left is told by the pace since
    this.source = null;
    this.seed = null;
    this.loop = Promise.resolve();
  }

  get finished() {
    return this.runs.length === this.total && this.runs.every(isDone);
  }

  // Steps that are done; a run that ended early has done all of its.
  get done() {
    const { steps } = this.asked;
    return this.runs.reduce((found, run) => found + (isDone(run) ? steps : (run.steps.at(-1) ?? 0)), 0);
  }

  // Seconds until the end at the pace so far; null while that is not known.
  get left() {
    const spent = this.spent + (this.running ? performance.now() - this.since : 0);
    const made = this.done - this.kept;
    if (spent < SOON || made <= 0) return null;
    return ((this.total * this.asked.steps - this.done) * spent) / made / 1000;
  }

  async goOn() {
    if (this.running || this.finished) return;
    this.running = true;
    this.since = performance.now();
    await this.loop;
    this.loop = this.#take();
    this.changed();
    await this.loop;
  }

  // In this browser a run stands still where it is; the service's is broken off, and repeated when it goes on.
  stop() {
    if (!this.running) return;
    this.#rest();
    if (!this.near) this.controller?.abort();
    this.changed();
  }

  // Leaves it for good.
  drop() {
    this.stop();
    this.controller?.abort();
    this.source?.return?.();
  }

  #rest() {
    this.running = false;
    this.spent += performance.now() - this.since;
  }

  async #take() {
    try {
      if (!this.near || !this.source) this.#begin();
      while (this.running) {
        const { value, done } = await this.source.next();
        if (done) break;
        this.#put(value);
        this.changed();
      }
      if (this.running) this.#rest();
    } catch (error) {
      if (this.near && this.running) return this.#elsewhere();
      if (this.running && (isOffline(error) || isShut(error)) && live.trainable(this.asked, { alone: true })) return this.#here();
      this.#failed(error);
    }
    this.changed();
  }

  // What this browser cannot do after all the service is asked for.
  #elsewhere() {
    this.near = false;
    return this.#take();
  }

  // What no service is there to do this browser does, if more slowly.
  #here() {
    [this.near, this.source] = [true, null];
    return this.#take();
  }

  #begin() {
    this.problem = null;
    this.runs = this.runs.filter(isDone);
    [this.kept, this.spent] = [this.done, 0];
    this.controller = new AbortController();
    const asked = { ...this.asked, watch: true, ...(this.seed && { seed: this.seed }) };
    const { signal } = this.controller;
    const ask = (question) => (this.near ? live.events(question, signal) : events("train", question, signal));
    this.source = runsFrom(this.runs.length, asked, ask);
  }

  #failed(error) {
    if (error.name === "AbortError") return;
    if (this.running) this.#rest();
    this.problem = error instanceof Problem ? error : new Problem({ title: "offline", detail: "offline" }, "train");
  }

  #put({ event, data }) {
    if (event === "examples") this.examples ??= data;
    else if (event === "progress") this.#step(data);
    else if (event === "run") this.#end(data);
  }

  #step({ run: number, seed, step, loss, gradient_norm, ...seen }) {
    this.seed ??= seed; // where none was asked for, that of the first run
    this.runs[number] ??= { ...this.planned[number], number, seed, steps: [], loss: [], gradient_norm: [], looks: [] };
    const run = this.runs[number];
    run.steps.push(step);
    run.loss.push(loss);
    run.gradient_norm.push(gradient_norm);
    if (seen.weights) run.looks.push(lookOf({ step, ...seen }));
  }

  #end(data) {
    const open = this.runs.findIndex((run) => !isDone(run));
    const number = open < 0 ? this.runs.length : open;
    const { looks } = this.runs[number] ?? { looks: [] };
    const steps = data.loss.map((_, index) => index * data.every);
    this.runs[number] = { ...this.planned[number], ...data, number, steps, looks };
  }
}

const SOON = 1000; // milliseconds before which nothing is said of the time that is left

export const isDone = (run) => run.learnt !== undefined;

// The events of the runs from number `from` on, as if all of them were asked for at once.
async function* runsFrom(from, asked, ask) {
  for (const { question, first } of remaining(asked, from))
    for await (const { event, data } of ask(question))
      yield { event, data: event === "progress" ? { ...data, run: data.run + first } : data };
}
