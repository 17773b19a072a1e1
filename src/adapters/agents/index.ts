/** The agents. A new one is a file beside this and a line in it. */
import { command } from "./command.js";

export const agents = { command } as const;
