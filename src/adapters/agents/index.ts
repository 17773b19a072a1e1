/** The agents. A new one is a file beside this and a line in it. */
import { claude } from "./claude.js";
import { command } from "./command.js";
import { lineage } from "./lineage.js";

export const agents = { claude, command, lineage } as const;
