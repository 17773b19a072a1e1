/** The agents. A new one is a file beside this and a line in it. */
import { command } from "./command.js";
import { lineage } from "./lineage.js";

export const agents = { command, lineage } as const;
