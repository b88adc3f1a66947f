import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import type { LogLevel } from "@hawser/core/log";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import type { TlsFiles } from "../../drivers/http.ts";
import type { Kept } from "../../threads/asked-broker.ts";
import type { ForwardedAnswer, ForwardedRequest } from "../../threads/forwarded-requests.ts";
import type { Stage } from "../stage.ts";
import type { ThreadMeasures } from "./thread-metrics.ts";

/** A configuration and the texts of the files that its keys come from, as the control thread has read them. */
export interface KeysGiven {
  readonly config: ResolvedConfig;
  readonly texts: ReadonlyMap<string, string>;
  /** When they were taken over, in wall time. */
  readonly takenMs: number;
}

/** What a connection thread begins with. */
export interface ThreadStart {
  readonly kind: "start";
  /** Its number, from 0. */
  readonly own: number;
  readonly threads: number;
  /** The last are in force; those before them still count for as long as a replaced secret goes on. */
  readonly keys: readonly [KeysGiven, ...KeysGiven[]];
  /** What issuers have published, by their names. */
  readonly published: ReadonlyMap<string, string>;
  readonly port: number;
  readonly tls: TlsFiles | null;
  readonly stage: Stage["now"];
  readonly forwarded: readonly string[];
  readonly revocations: readonly Revocation[];
  readonly room: SharedArrayBuffer;
  readonly failedAuths: { readonly buffer: SharedArrayBuffer; readonly salt: string };
  /** What the control thread's broker has; null where there is none. */
  readonly kept: Kept | null;
  /** Whether there are other servers. */
  readonly hasOthers: boolean;
}

export type NoteToThread =
  | ThreadStart
  | { readonly kind: "keys"; readonly keys: KeysGiven }
  | { readonly kind: "stage"; readonly stage: Stage["now"] }
  | { readonly kind: "answer"; readonly answer: ForwardedAnswer }
  | { readonly kind: "certificate"; readonly tls: TlsFiles }
  | { readonly kind: "published"; readonly issuer: string; readonly text: string | null }
  | { readonly kind: "take over"; readonly revocations: readonly Revocation[] }
  | { readonly kind: "measure" };

export type NoteToControl =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "backend answered" }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "request"; readonly request: ForwardedRequest }
  | { readonly kind: "measures"; readonly measures: ThreadMeasures };

/** What questions and their answers go by, either way. */
export type QuestionWord = "ask" | "answer" | "fault";

/**
 * What a thread is asked: whether it lives, how many clients it has, how many connections it has closed as revoked, the session
 * that is connected under an id, and to tell its clients and close, answered by how many may not have heard it.
 */
export type AboutThread = "here" | "clients" | "revoked" | "connected" | "drain";

/** `deliver` is followed by a text and a stream, empty for none; the others, but for questions, by nothing. */
export type WordToThread = "deliver" | "parted" | "rejoined" | "differ" | "agree" | QuestionWord;

/** A level is followed by a message and its fields. */
export type WordToControl =
  | "publish"
  | "command"
  | "follow"
  | "unfollow"
  | "forged"
  | "signed"
  | LogLevel
  | QuestionWord;
