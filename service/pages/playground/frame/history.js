// The steps of the page's history: which network each holds, and how far the next other one lies.

const held = []; // the network at each place, as text; nothing where this window has not been since it was loaded
let place = 0;
let last = 0;

// Takes note of where the window is, once an address is read. What has no place was typed into the address bar, or is
// where the page was opened: nothing lies beyond it.
export function landed(network) {
  const known = history.state?.place;
  if (Number.isInteger(known)) {
    place = known;
    last = Math.max(last, place);
  } else {
    place = held.length ? place + 1 : 0;
    last = place;
    held.length = place;
    history.replaceState({ place }, "");
  }
  held[place] = network;
}

// Puts an address into the history: as a step of its own, or in the place of the one that there is.
export function put(hash, network, replacing) {
  if (!replacing) {
    place += 1;
    last = place;
    held.length = place;
  }
  held[place] = network;
  try {
    if (replacing) history.replaceState({ place }, "", hash);
    else history.pushState({ place }, "", hash);
  } catch {
    // Longer than a browser's addresses may be: the network stays, but no link holds it.
  }
}

// How many steps back (way -1) or on (1) another network lies; 0 where there is none.
export function steps(way) {
  for (let there = place + way; there >= 0 && there <= last; there += way) {
    if (held[there] === undefined || held[there] !== held[place]) return there - place;
  }
  return 0;
}

export const isWritten = (network) => held[place] === network;
