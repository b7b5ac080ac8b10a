// What descent goes down: cross-entropy of classes, or the mean squared error; {loss, gradient} of answers in rows.

// The softmax of each row.
export function likely(answers, classes) {
  const found = new Float64Array(answers.length);
  for (let at = 0; at < answers.length; at += classes) {
    let greatest = -Infinity;
    let total = 0;
    for (let j = 0; j < classes; j++) greatest = Math.max(greatest, answers[at + j]);
    for (let j = 0; j < classes; j++) total += found[at + j] = Math.exp(answers[at + j] - greatest);
    for (let j = 0; j < classes; j++) found[at + j] /= total;
  }
  return found;
}

function crossEntropy(answers, targets, classes) {
  const gradient = new Float64Array(answers.length);
  let loss = 0;
  for (let row = 0; row < targets.length; row++) {
    const at = row * classes;
    let greatest = -Infinity;
    let total = 0;
    for (let j = 0; j < classes; j++) greatest = Math.max(greatest, answers[at + j]);
    for (let j = 0; j < classes; j++) total += gradient[at + j] = Math.exp(answers[at + j] - greatest);
    for (let j = 0; j < classes; j++) gradient[at + j] = (gradient[at + j] / total - (j === targets[row] ? 1 : 0)) / targets.length;
    loss += Math.log(total) - (answers[at + targets[row]] - greatest);
  }
  return { loss: loss / targets.length, gradient };
}

function squaredError(answers, targets) {
  let loss = 0;
  const gradient = answers.map((answer, row) => {
    const error = answer - targets[row];
    loss += error * error;
    return (2 * error) / targets.length;
  });
  return { loss: loss / targets.length, gradient };
}

export const lossOf = ({ classes, outputs }, answers, targets) =>
  classes ? crossEntropy(answers, targets, outputs) : squaredError(answers, targets);
