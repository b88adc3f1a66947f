import { expect, test } from "bun:test";
import { codeBlocks, commandsOf } from "./code-blocks.ts";

test("blocks are found with their language, their line and without the indentation of a list", () => {
  const text = "a\n```sh\nx\n  y\n```\n- b\n\n  ```TS\n  z;\n\n  ```\n```\nplain\n```\n";
  expect(codeBlocks(text)).toEqual([
    { language: "sh", code: "x\n  y", line: 3 },
    { language: "ts", code: "z;\n", line: 9 },
    { language: "", code: "plain", line: 13 },
  ]);
});

test("commands are told apart from what is said of them", () => {
  const code = "bin/x --a=b#c   # says\n\n# all of it\nnpm run y\n";
  expect(commandsOf({ language: "sh", code, line: 1 })).toEqual(["bin/x --a=b#c", "npm run y"]);
});
