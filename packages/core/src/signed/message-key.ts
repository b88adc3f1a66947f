/**
 * PORT: one secret that messages are signed with. The secret itself stays behind it, so that nothing which holds a key
 * can print it.
 */
export interface MessageKey {
  /** Tells keys apart in logs and metric labels. */
  readonly name: string;
  /** HMAC-SHA256 of the text's UTF-8: 64 lower-case hex digits. */
  sign(text: string): string;
  /**
   * Whether `signature` is what `sign` gives for the text, found in a time that does not depend on where they differ.
   *
   * @param signature 64 lower-case hex digits; the caller has checked.
   */
  verify(text: string, signature: string): boolean;
}
