type Hear = (text: string) => void;

const listeners = new Set<Hear>();
let isHeard = false;

/**
 * The library writes some of what it finds to the console, past every log. From the first call on it writes nothing there.
 *
 * @returns what ends it.
 */
export function hearRemarks(hear: Hear): () => void {
  if (!isHeard) {
    isHeard = true;
    // biome-ignore lint/suspicious/noConsole: this is where what goes there is caught.
    const warn = console.warn.bind(console);
    console.warn = (...words: unknown[]) => {
      const [text] = words;
      const remark = typeof text === "string" ? /^\[(?:WARN|ERROR)\] (.*)/s.exec(text)?.[1] : undefined;
      if (remark === undefined) warn(...words);
      else for (const listener of listeners) listener(remark);
    };
  }
  listeners.add(hear);
  return () => void listeners.delete(hear);
}
