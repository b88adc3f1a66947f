import { boardContract } from "../broker/board.contract.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryBoard, MemoryBoardStore } from "./memory-board.ts";

boardContract("memory", async () => {
  const clock = new ManualClock();
  const store = new MemoryBoardStore();
  return {
    make: async (limit) => {
      const board = new MemoryBoard(store, clock, true, limit);
      board.start(() => {});
      return board;
    },
    nowMs: () => clock.nowMs(),
    pass: (ms) => clock.advance(ms),
    close: () => {},
  };
});
