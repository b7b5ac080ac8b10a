// Products of matrices in rows, one behind the other, in Float64Array: two rows by four columns at a time, whose eight sums
// stay in registers.

// (rows, inner) × (inner, columns)
export function product(a, b, rows, inner, columns) {
  const found = new Float64Array(rows * columns);
  const [even, whole] = [rows - (rows % 2), columns - (columns % 4)];
  const sizes = { inner, columns };
  for (let row = 0; row < even; row += 2) {
    for (let column = 0; column < whole; column += 4) block(found, a, b, row, column, sizes);
  }
  for (let row = 0; row < rows; row++) {
    for (let column = row < even ? whole : 0; column < columns; column++) single(found, a, b, row, column, sizes);
  }
  return found;
}

function block(found, a, b, row, column, { inner, columns }) {
  let [p0, p1, p2, p3, q0, q1, q2, q3] = [0, 0, 0, 0, 0, 0, 0, 0];
  const first = row * inner;
  for (let i = 0, from = column; i < inner; i++, from += columns) {
    const p = a[first + i];
    const q = a[first + inner + i];
    p0 += p * b[from];
    p1 += p * b[from + 1];
    p2 += p * b[from + 2];
    p3 += p * b[from + 3];
    q0 += q * b[from];
    q1 += q * b[from + 1];
    q2 += q * b[from + 2];
    q3 += q * b[from + 3];
  }
  const [above, below] = [row * columns + column, (row + 1) * columns + column];
  found[above] = p0;
  found[above + 1] = p1;
  found[above + 2] = p2;
  found[above + 3] = p3;
  found[below] = q0;
  found[below + 1] = q1;
  found[below + 2] = q2;
  found[below + 3] = q3;
}

function single(found, a, b, row, column, { inner, columns }) {
  let sum = 0;
  for (let i = 0, from = column; i < inner; i++, from += columns) sum += a[row * inner + i] * b[from];
  found[row * columns + column] = sum;
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
