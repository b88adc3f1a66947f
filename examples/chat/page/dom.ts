/** The page's elements. Everything that others wrote goes in as text, never as HTML. */

export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** An element with text in it. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  text = "",
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.textContent = text;
  return element;
}

/** The time of day, to the minute or to the second. */
export function clockTime(atMs: number, seconds = false): string {
  const two = "2-digit";
  return new Date(atMs).toLocaleTimeString([], {
    hour: two,
    minute: two,
    ...(seconds ? { second: two } : {}),
  });
}

/** Hands over the text of the form's one input, and empties it once that has worked. */
export function onSubmit(formId: string, inputId: string, run: (text: string) => Promise<void>): void {
  const input = find(inputId);
  if (!(input instanceof HTMLInputElement)) throw new Error(`#${inputId} is no input`);
  find(formId).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    run(text).then(
      () => {
        input.value = "";
      },
      // Whoever was handed the text has said what went wrong; it stays for another try.
      () => {},
    );
  });
}

/** Runs `run` at a click, once at a time. */
export function onClick(button: HTMLButtonElement, run: () => Promise<void>): void {
  button.addEventListener("click", async () => {
    // Not disabled: that would take the keyboard's focus away.
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await run();
    button.removeAttribute("aria-busy");
  });
}

export function findButton(id: string): HTMLButtonElement {
  const button = find(id);
  if (!(button instanceof HTMLButtonElement)) throw new Error(`#${id} is no button`);
  return button;
}
