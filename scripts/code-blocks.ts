/** A fenced block of a document. */
export interface CodeBlock {
  /** What stands behind the fence, in lower case. */
  readonly language: string;
  readonly code: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
}

/** The fenced blocks of a Markdown text, those inside lists as well; their indentation is taken off. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent, language] = /^( *)```(\w*)\s*$/.exec(lines[at] ?? "") ?? [];
    if (indent === undefined || language === undefined) continue;
    const start = at + 1;
    while (at + 1 < lines.length && lines[at + 1]?.trimEnd() !== `${indent}\`\`\``) at += 1;
    const code = lines.slice(start, at + 1).map((line) => line.slice(indent.length));
    blocks.push({ language: language.toLowerCase(), code: code.join("\n"), line: start + 1 });
    at += 1;
  }
  return blocks;
}

/** The commands of a shell block, one a line, without what stands behind ` #` for the reader. */
export function commandsOf({ code }: CodeBlock): string[] {
  return code
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
}
