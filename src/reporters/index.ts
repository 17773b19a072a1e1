/** The registry of reporters: one line each. Knows no report. */
import { json } from "./json.js";
import { markdown } from "./markdown.js";

export const reporters = { markdown, json } as const;
