import { createRpcHandler, nodeListener } from "@hawser/sdk/http-rpc";
import express from "express";
import { createChat, secret } from "./cable.ts";

const rpc = createRpcHandler(createChat(), { secret });

const app = express();
// The application's own; the calls are understood behind it as well.
app.use(express.json());
app.get("/", (_request, response) => void response.send("a page of the application"));
// hawser --rpc_host=http://127.0.0.1:3000/_anycable
app.use("/_anycable", nodeListener(rpc));

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening: http://127.0.0.1:${Object(server.address()).port}`);
});
