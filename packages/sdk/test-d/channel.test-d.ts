import { createCable, type JsonObject, type JsonValue } from "@hawser/sdk/rpc";

// Parameters, data and identifiers have the types that their parsers give them.
createCable({ identifiers: (raw) => ({ name: String(raw) }) }).channel("Parsed", {
  params: (raw) => ({ room: String(raw.room) }),
  data: { speak: (raw) => ({ text: String(raw.text) }) },
  subscribed(ctx, params) {
    const room: string = params.room;
    const same: string = ctx.params.room;
    const name: string = ctx.connection.identifiers.name;
    // @ts-expect-error no such parameter
    params.rom;
    // @ts-expect-error no such identifier
    ctx.connection.identifiers.nam;
    return void [room, same, name];
  },
  actions: {
    speak(ctx, data) {
      const text: string = data.text;
      const room: string = ctx.params.room;
      // @ts-expect-error no such member
      data.txt;
      return void [text, room];
    },
    other(_ctx, data) {
      const raw: JsonObject = data;
      return void raw;
    },
  },
});

// Without parsers everything from a client is just JSON.
createCable({}).channel("Raw", {
  subscribed(ctx, params) {
    const room: JsonValue | undefined = params.room;
    const identifiers: JsonValue = ctx.connection.identifiers;
    // @ts-expect-error nothing has checked that it is a text
    const text: string = params.room;
    return void [room, identifiers, text];
  },
  actions: {
    // @ts-expect-error data of a type of one's own needs a parser
    speak(_ctx, data: { text: string }) {
      data.text;
    },
  },
});

// Types of one's own cannot be claimed without the parser that makes them.
// @ts-expect-error params is missing
createCable({}).channel<{ room: string }>("Claimed", {});
// @ts-expect-error data is missing
createCable({}).channel<JsonObject, { speak: { text: string } }>("Data", { actions: { speak() {} } });
// @ts-expect-error identifiers is missing
createCable<{ name: string }>({});
createCable({}).channel<JsonObject, { speak: { text: string } }>("Gap", {
  data: { speak: (raw) => ({ text: String(raw.text) }) },
  // @ts-expect-error an action that is parsed and not there
  actions: {},
});
// @ts-expect-error a connect handler says who it is, or rejects
createCable({ connect: () => 5 });

// A cookie may not be there, and a stream has no options but these.
createCable({
  connect(env) {
    const session: string | undefined = env.cookies.session;
    // @ts-expect-error nobody has looked whether it is there
    const certain: string = env.cookies.session;
    return { identifiers: { session, certain } };
  },
}).channel("Streams", {
  subscribed(ctx) {
    ctx.streamFrom("a", { whisper: true });
    // @ts-expect-error no such option
    ctx.streamFrom("a", { wisper: true });
    // @ts-expect-error streams have names
    ctx.streamFrom(7);
  },
});
