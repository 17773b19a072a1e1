/** The slot providers. A new one is a file beside this and a line in it. */
import { command } from "./command.js";
import { copy } from "./copy.js";
import { none } from "./none.js";
import { worktree } from "./worktree.js";

export const slots = { worktree, copy, command, none } as const;
