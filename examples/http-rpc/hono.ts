import { createRpcHandler } from "@hawser/sdk/http-rpc";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createChat, secret } from "./cable.ts";

const rpc = createRpcHandler(createChat(), { secret });

const app = new Hono();
app.get("/", (context) => context.text("a page of the application"));
// hawser --rpc_host=http://127.0.0.1:3000/_anycable
app.post("/_anycable/:call", (context) => rpc(context.req.raw));

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) }, ({ port }) =>
  console.log(`listening: http://127.0.0.1:${port}`),
);
