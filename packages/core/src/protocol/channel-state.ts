/**
 * Keys of a channel's state that this server reads (anycable common/common.go@1.6.16); the application sets them like
 * any other, and its own keys do not begin with a dollar.
 */

/** Names the stream that whispers of the channel go to. */
export const WHISPER_STREAM = "$w";

/** Names the stream whose members presence is about. */
export const PRESENCE_STREAM = "$p";
