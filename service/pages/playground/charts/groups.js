// Equal things told once: how they are found, and what a few of them are called together.
import { t } from "../words/language.js";

const FEW = 3; // names that are all told

// In the order of their first ones: things whose `same` is equal.
export const groupsOf = (things, same) => [...Map.groupBy(things, (thing) => JSON.stringify(same(thing))).values()];

// Only neighbours are told together: the order of the network stays.
export function runsOf(things, same) {
  const runs = [];
  let last = null;
  for (const thing of things) {
    const now = JSON.stringify(same(thing));
    if (now === last) runs.at(-1).push(thing);
    else runs.push([thing]);
    last = now;
  }
  return runs;
}

// "fc1, fc2", "fc2 … fc7" of neighbours among `all`, "fc2 and 5 more" of others.
export function together(names, all) {
  if (names.length < FEW) return names.join(", ");
  const first = all.indexOf(names[0]);
  const neighbours = names.every((name, index) => all[first + index] === name);
  return neighbours ? `${names[0]} … ${names.at(-1)}` : t("group.more", { first: names[0], count: names.length - 1 });
}
