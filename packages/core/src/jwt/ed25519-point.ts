/** RFC 8032 5.1: the field's prime, and the constant of the curve -x^2 + y^2 = 1 + d x^2 y^2. */
const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/**
 * The `y` of the eight points of small order: 1, -1, 0 twice, and two more, each with both signs of `x`. Under such a
 * key a signature says nothing about its message.
 */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  P - 2707385501144840649318225287225658788936804267575313519463743609750303402022n,
]);

/**
 * Whether 32 bytes are the encoding of a point that a key can be (RFC 8032 5.1.3): on the curve, in its only spelling,
 * and not of small order. Importing such a key does not check it.
 */
export function isEd25519Point(bytes: Uint8Array): boolean {
  let encoded = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) encoded = (encoded << 8n) | BigInt(bytes[at] ?? 0);
  const y = encoded & ((1n << 255n) - 1n);
  if (y >= P || SMALL_ORDER.has(y)) return false;
  // x^2 = (y^2 - 1) / (d y^2 + 1) has to be a square: Euler's criterion, of numerator times denominator.
  const ySquared = (y * y) % P;
  return power((ySquared - 1n) * (D * ySquared + 1n), (P - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = ((base % P) + P) % P;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
