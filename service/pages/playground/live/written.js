// Numbers as the service writes them into its sentences: Python's formats.

// The exact value of a tie goes to the even digit, as in Python; toFixed would take it up.
function fixed(value, digits) {
  const up = value.toFixed(digits);
  const scaled = Math.abs(value) * 10 ** digits;
  if (scaled % 1 !== 0.5 || Math.floor(scaled) % 2 === 1) return up;
  return (Math.sign(value) * (Math.floor(scaled) / 10 ** digits)).toFixed(digits);
}

export const percent = (share, digits = 0) => `${fixed(100 * share, digits)}%`;

// So many significant digits, without zeros at the end; "1e-05" where it is small or large.
export function general(value, digits = 6) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < digits) return String(Number(value.toFixed(Math.max(0, digits - 1 - power))));
  return `${Number(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
