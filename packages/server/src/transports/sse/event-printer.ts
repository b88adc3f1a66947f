import { EVENT_FORMS, type EventForm, eventOf, eventOfBroadcast } from "@hawser/core/protocol/events";
import { chunkOf } from "../../drivers/response-stream.ts";

/** The forms of events by the place of their chunk. */
export const FORMS = [
  EVENT_FORMS.bare,
  EVENT_FORMS.bareRaw,
  EVENT_FORMS.whole,
  EVENT_FORMS.wholeRaw,
] as const;

/** Makes events of frames: a frame that many clients get in turn is made into one once for each form they want it in. */
export class EventPrinter {
  #frame = "";
  /** Undefined until it is asked for, null for what this form leaves out. */
  readonly #chunks: (Uint8Array | null | undefined)[] = FORMS.map(() => undefined);

  /** Null where clients of this form do not want it. The chunk is shared. */
  print(frame: string, form: number): Uint8Array | null {
    return this.#print(frame, form, eventOf);
  }

  /** The same for what the hub has published. */
  printBroadcast(frame: string, form: number): Uint8Array | null {
    return this.#print(frame, form, eventOfBroadcast);
  }

  #print(frame: string, form: number, make: typeof eventOf): Uint8Array | null {
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#chunks.fill(undefined);
    }
    const known = this.#chunks[form];
    if (known !== undefined) return known;
    const event = make(frame, FORMS[form] ?? EVENT_FORMS.whole);
    const chunk = event === null ? null : chunkOf(event);
    this.#chunks[form] = chunk;
    return chunk;
  }
}

/** The place of the form that suits a request. */
export function formFor(wanted: EventForm): number {
  return FORMS.findIndex(({ bare, raw }) => bare === wanted.bare && raw === wanted.raw);
}
