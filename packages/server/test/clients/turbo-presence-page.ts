import { start } from "@anycable/turbo-stream";
import { createCable } from "@anycable/web";
import "@hotwired/turbo";

/** The element that shows who is there; only the extended protocol of AnyCable's client knows presence. */
start(createCable({ protocol: "actioncable-v1-ext-json" }), { presence: true });
