/** `audit-run prompt <task>`: exactly what an agent would be sent, on stdout; what is to be said of it, on stderr. */
import { prompt } from "../audit.js";
import { visible } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation } from "./options.js";
import { refuse, requestOf } from "./request.js";

export async function promptCommand(
  invocation: Invocation,
  options: CommonOptions & { readonly task: string },
): Promise<number> {
  const { terminal } = invocation;
  const end = await prompt(requestOf(invocation, options), options.task.replace(/^investigate:/, ""));
  if ("diagnostics" in end) return refuse(terminal, end);
  const { shown } = end;
  for (const note of shown.notes) terminal.say(visible(note));
  if (shown.prompts.length > 1)
    terminal.say(`${shown.prompts.length} questions, since tests go to different models; they follow one another.`);
  terminal.print(options.json ? JSON.stringify({ version: 1, ...shown }, null, 2) : text(shown.prompts));
  return 0;
}

/** `print` ends the last line. */
function text(prompts: readonly { readonly text: string }[]): string {
  return prompts.map((each) => each.text.replace(/\n$/, "")).join("\n");
}
