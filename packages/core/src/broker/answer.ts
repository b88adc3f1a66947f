/** An answer that is there at once where it can be: a promise costs a turn of the loop and an allocation. */
export type Answer<T> = T | Promise<T>;
