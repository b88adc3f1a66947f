/** By these Infineon's primes leave few remainders. Another modulus passes them all once in 2^27. */
const SMALL_PRIMES = [
  ...[3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101],
  ...[103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167],
];

const GENERATOR = 65537;

const REMAINDERS: readonly (readonly [prime: bigint, remainders: ReadonlySet<number>])[] = SMALL_PRIMES.map(
  (prime) => [BigInt(prime), powersOf(GENERATOR % prime, prime)] as const,
);

function powersOf(base: number, prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % prime) powers.add(power);
  return powers;
}

/**
 * Whether an RSA modulus was made by a library whose keys can be factored (CVE-2017-15361, "ROCA"): its primes are powers
 * of 65537 by every small prime, and so is their product.
 */
export function isInfineonModulus(modulus: bigint): boolean {
  return REMAINDERS.every(([prime, remainders]) => remainders.has(Number(modulus % prime)));
}
