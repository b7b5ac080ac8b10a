// What a browser keeps for the next visit, where it may.
export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is forbidden: every visit is the first
  }
}

export function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was kept.
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The page works as well without.
  }
}
