/** Where the server stands in its life. */
export interface Stage {
  /** `leaving`: still serving, but not to be sent more clients; `draining`: takes none. */
  now: "starting" | "serving" | "leaving" | "draining";
}
