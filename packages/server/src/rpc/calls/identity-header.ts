import type { RpcEnv, StateMap } from "@hawser/core/rpc/backend";

/** Where verified claims travel, in the env's headers and in the metadata of every call. */
export const IDENTITY_HEADER = "x-jwt-identity";

/** The headers that the application is told. A client could name one like ours; without verified claims there is none. */
export function toldHeaders({ headers }: RpcEnv, jwtIdentity: string | null): StateMap {
  if (jwtIdentity !== null) return { ...headers, [IDENTITY_HEADER]: jwtIdentity };
  if (!(IDENTITY_HEADER in headers)) return headers;
  const { [IDENTITY_HEADER]: _claimed, ...rest } = headers;
  return rest;
}
