import { messageOf } from "@hawser/core/errors";

/** What a look at an endpoint came to: its status and the first line of its answer, or why there is none. */
export type Probed =
  | {
      readonly status: number;
      readonly line: string;
      /** What its clock says (`Date`), in milliseconds since the epoch; null when it does not say. */
      readonly dateMs: number | null;
    }
  | { readonly unreachable: string };

/** Asks once. A certificate is not checked: the question is whether the server there answers, not who it is. */
export async function probeHttp(url: string, timeoutMs: number): Promise<Probed> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "manual",
      headers: { Connection: "close" },
      tls: { rejectUnauthorized: false },
    });
    const [line = ""] = (await response.text()).split("\n", 1);
    const dateMs = Date.parse(response.headers.get("date") ?? "");
    return { status: response.status, line, dateMs: Number.isNaN(dateMs) ? null : dateMs };
  } catch (thrown) {
    const refused = thrown instanceof Error && "code" in thrown && thrown.code === "ECONNREFUSED";
    return { unreachable: refused ? "nobody listens there" : messageOf(thrown) };
  }
}
