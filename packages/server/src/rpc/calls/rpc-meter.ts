/** A number that only grows. */
export interface Count {
  add(n: number): void;
}

/** What is counted of calls to the backend (anycable rpc/rpc.go@1.6.16). */
export interface RpcMeter {
  /** `rpc_call_total`: Connect and Disconnect when they start, Command when it ends. */
  readonly calls: Count;
  /** `rpc_retries_total`: attempts that were scheduled after a failed one. */
  readonly retries: Count;
  /** `rpc_error_total`: calls without a reply, and a Disconnect that the application answered with ERROR. */
  readonly errors: Count;
  /** `rpc_timeout_total`: attempts that ended at their deadline. */
  readonly timeouts: Count;
  /** `rpc_canceled_total`: calls whose session ended before they started. */
  readonly canceled: Count;
  /** `rpc_pending_num`: calls that wait for a slot. */
  readonly pending: { set(n: number): void };
}
