// Which picture belongs to which step.
import { defaults } from "./defaults.js";
import { factors } from "./factors.js";
import { rolling } from "./rolling.js";
import { signal } from "./signal.js";
import { symmetry } from "./symmetry.js";

const PICTURES = {
  convex: rolling,
  valleys: rolling,
  zones: rolling,
  symmetry,
  scale: signal,
  glorot: (step, context) => factors(step, context, ["tanh"], ["old", "glorot"]),
  he: (step, context) => factors(step, context, ["relu", "tanh"], ["glorot", "he"]),
  keras: defaults,
};

export const picture = (step, context) => PICTURES[step.id](step, context);
