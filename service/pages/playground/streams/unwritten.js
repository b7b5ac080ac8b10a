// Says that no lines can be written for what is asked, and why: the key of a sentence, and its values.
export class Unwritten extends Error {
  constructor(key, values = {}) {
    super(key);
    Object.assign(this, { key, values });
  }
}
