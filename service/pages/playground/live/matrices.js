// Products of matrices in rows, one behind the other, in Float64Array: four rows at a time, so that each row of the
// second matrix is read once for the four.

// (rows, inner) × (inner, columns)
export function product(a, b, rows, inner, columns) {
  const found = new Float64Array(rows * columns);
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const [first, second, third, fourth] = [0, 1, 2, 3].map((one) =>
      found.subarray((row + one) * columns, (row + one + 1) * columns),
    );
    for (let i = 0; i < inner; i++) {
      const at = row * inner + i;
      const [p, q, r, s] = [a[at], a[at + inner], a[at + 2 * inner], a[at + 3 * inner]];
      const from = i * columns;
      for (let j = 0; j < columns; j++) {
        const x = b[from + j];
        first[j] += p * x;
        second[j] += q * x;
        third[j] += r * x;
        fourth[j] += s * x;
      }
    }
  }
  for (; row < rows; row++) {
    for (let i = 0; i < inner; i++) {
      const factor = a[row * inner + i];
      for (let j = 0; j < columns; j++) found[row * columns + j] += factor * b[i * columns + j];
    }
  }
  return found;
}

export function transposed(a, rows, columns) {
  const found = new Float64Array(a.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) found[column * rows + row] = a[row * columns + column];
  return found;
}

export function addToRows(a, row) {
  for (let at = 0; at < a.length; at += row.length) for (let j = 0; j < row.length; j++) a[at + j] += row[j];
}

export function sumOfRows(a, columns) {
  const found = new Float64Array(columns);
  for (let at = 0; at < a.length; at += columns) for (let j = 0; j < columns; j++) found[j] += a[at + j];
  return found;
}
