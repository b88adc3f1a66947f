import { ALGORITHMS, type AlgorithmName } from "@hawser/core/jwt/algorithms";
import { choice } from "@hawser/core/options";

/** `--alg` of a command: one of those that keys may have, or the empty word for what `help` says of none. */
export const algorithmOption = (help: string) =>
  choice({
    flag: "alg",
    env: [],
    toml: null,
    // Object.keys forgets the keys' type, and the table is a constant.
    values: ["", ...(Object.keys(ALGORITHMS) as AlgorithmName[])],
    default: "",
    help,
  });
