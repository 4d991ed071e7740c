// What outlives a reload. A browser may refuse to keep anything; the page works all the same.

/** What was kept under `name`, null if nothing was. */
export function kept(name, forGood = false) {
  try {
    return JSON.parse((forGood ? localStorage : sessionStorage).getItem(`inkling.${name}`));
  } catch {
    return null;
  }
}

/** Keep `value`, which JSON can hold, as long as the tab lives, or `forGood`. */
export function keep(name, value, forGood = false) {
  try {
    (forGood ? localStorage : sessionStorage).setItem(`inkling.${name}`, JSON.stringify(value));
  } catch {
    // Full, or forbidden.
  }
}
