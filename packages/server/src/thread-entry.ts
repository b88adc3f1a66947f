/**
 * Where a connection thread begins. It lies beside this file and beside `main.ts`, in the sources as in a bundle and in an
 * executable; a bundle's files end otherwise.
 */
export const THREAD_ENTRY = new URL(
  import.meta.url.endsWith("/dist/main.js") ? "./connection-thread.js" : "./connection-thread.ts",
  import.meta.url,
).href;
