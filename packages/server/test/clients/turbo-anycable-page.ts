import { start } from "@anycable/turbo-stream";
import { createCable, fetchTokenFromHTML } from "@anycable/web";
import "@hotwired/turbo";

/** Turbo over AnyCable's client: everything but the place of fresh tokens stands in the page's meta tags. */
start(createCable({ tokenRefresher: fetchTokenFromHTML({ url: "/token" }) }), {
  requestSocketIDHeader: true,
});
