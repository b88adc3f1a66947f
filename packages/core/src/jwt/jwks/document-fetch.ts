/** Why a document was not had. Also values of the metric's label `result`. */
export type FetchFailure = "unreachable" | "timeout" | "status" | "redirect" | "too_large";

export type Fetched =
  | {
      readonly ok: true;
      readonly text: string;
      /** The header as it came; null without one. */
      readonly cacheControl: string | null;
      /** How old the answer was when it came, in seconds. */
      readonly ageS: number;
    }
  | {
      readonly ok: false;
      readonly failure: FetchFailure;
      /** One line for the operator. */
      readonly problem: string;
    };

/** PORT: gets a small document over HTTP. Never rejects; ends within a time of its own. */
export type DocumentFetch = (url: string) => Promise<Fetched>;
