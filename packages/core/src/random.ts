/** Chance, as the core is allowed to know it. */
export interface Random {
  /** A number in [0, 1). Not for secrets. */
  fraction(): number;
  /** `length` characters of `_-0-9a-zA-Z`, unguessable (6 bits each). */
  id(length: number): string;
}
