/** Tries until it does not throw, for half a minute; what it threw last is the fault. */
export async function until<T>(attempt: () => Promise<T> | T, withinMs = 30_000): Promise<T> {
  for (const untilMs = performance.now() + withinMs; ; await Bun.sleep(25)) {
    try {
      return await attempt();
    } catch (thrown) {
      if (performance.now() > untilMs) throw thrown;
    }
  }
}
