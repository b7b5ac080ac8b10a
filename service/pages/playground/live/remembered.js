// What was made of a question lately is not made again.
const REMEMBERED = 8;

export function remembering() {
  const made = new Map();
  return (question, make) => {
    if (!made.has(question)) {
      made.set(question, make());
      if (made.size > REMEMBERED) made.delete(made.keys().next().value);
    }
    return made.get(question);
  };
}
