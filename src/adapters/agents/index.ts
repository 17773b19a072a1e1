/** The agents. A new one is a file beside this and a line in it. */
import { claude } from "./claude.js";
import { codex } from "./codex.js";
import { command } from "./command.js";
import { lineage } from "./lineage.js";
import { opencode } from "./opencode.js";

export const agents = { claude, codex, command, lineage, opencode } as const;
