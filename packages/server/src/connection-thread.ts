import { runConnectionThread } from "./app/threads/connection-thread.ts";

runConnectionThread();
