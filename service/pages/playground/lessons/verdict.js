// The service's verdict on a network that a slider makes, asked for once the slider rests.
import { update } from "../frame/state.js";
import { ask, Problem } from "../frame/service.js";

const PAUSE = 250; // milliseconds without a change
const known = new Map();
let timer = 0;
let asked = null;

// A verdict, "offline" where there is no service to say it, or null while it is asked for.
export function verdictOf(spec) {
  const question = JSON.stringify(spec);
  if (known.has(question)) return known.get(question);
  if (asked !== question) {
    asked = question;
    clearTimeout(timer);
    timer = setTimeout(() => send(spec, question), PAUSE);
  }
  return null;
}

async function send(spec, question) {
  try {
    const { verdict } = await ask("diagnose", spec);
    update(() => known.set(question, verdict));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    update(() => known.set(question, "offline"));
  }
}
