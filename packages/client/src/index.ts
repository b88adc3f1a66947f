export type { StockCable, StockTransport } from "./stock-cable.ts";
export { keepTokenFresh, type TokenKeeper, type TokenKeeping } from "./token-keeper.ts";
