/**
 * Lines of an event stream, as `EventSource` reads them (HTML Living Standard 9.2.5): a field a line, an empty line
 * after each event. LF, CR and CRLF all end a line, so no text goes out with one of them inside.
 */

const LINE_BREAK = /\r\n|\r|\n/;
const LINE_BREAKS = /\r\n|\r|\n/g;

/** The `data` fields that a client puts together to `text` again, its line breaks as LF. */
export function dataFields(text: string): string {
  return LINE_BREAK.test(text) ? `data: ${text.replace(LINE_BREAKS, "\ndata: ")}` : `data: ${text}`;
}

/** Whether the text can stand in a field of one line. An `id` with a NUL is ignored by clients. */
export function fitsOneLine(text: string): boolean {
  return !/[\r\n\0]/.test(text);
}

/** The text as the value of a field of one line. */
export function onOneLine(text: string): string {
  return fitsOneLine(text) ? text : text.replace(/[\r\n\0]+/g, " ");
}
