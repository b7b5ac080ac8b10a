// What is told of many numbers: mean, deviation, size, and how they are distributed, as the service tells it.

export const finite = (value) => (Number.isFinite(value) ? value : null);

// Mean, deviation and size; what overflows is null.
export function momentsOf(values) {
  const shift = Number.isFinite(values[0]) ? values[0] : 0; // what is the same everywhere is then 0 away from it
  let [away, awaySquares, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const apart = values[i] - shift;
    away += apart;
    awaySquares += apart * apart;
    squares += values[i] * values[i];
  }
  const mean = away / values.length;
  const root = (square) => (Number.isNaN(square) ? square : Math.sqrt(Math.max(0, square)));
  return {
    mean: finite(shift + mean),
    std: finite(root(awaySquares / values.length - mean * mean)),
    rms: finite(root(squares / values.length)),
  };
}
