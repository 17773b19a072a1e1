/**
 * Command lines as people write them: options before the command, a command or a node misspelt. Knows what the parser knows
 * of names, and nothing of what commands do.
 */
import { closest } from "../support/suggest.js";

/** What is asked of commander's commands, which are at home in program.ts. */
interface Command {
  name(): string;
  /** Prints it and ends the command line. */
  error(message: string): never;
  readonly parent: Command | null;
  readonly commands: readonly Command[];
  readonly options: readonly {
    readonly short?: string;
    readonly long?: string;
    readonly required: boolean;
    readonly optional: boolean;
  }[];
  /** Words that are no options. */
  readonly args: readonly string[];
}

/** Nodes that every audit has. */
export const stages: readonly string[] = ["setup", "summary", "export", "collect", "cleanup"];

/**
 * Moves the command to the front, where the parser wants it: git and docker take options of all commands before it, and
 * `audit-run -c other.yaml plan` would otherwise ask for a node called plan.
 */
export function commandFirst(argv: readonly string[], program: Command): readonly string[] {
  const valued = valuedOptions(program);
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (!word.startsWith("-")) {
      if (!commandNames(program).includes(word)) return argv;
      const rest = [...argv.slice(0, index), ...argv.slice(index + 1)];
      const command = program.commands.find((each) => each.name() === word);
      // A command of commands: its own come first in what is left.
      return [word, ...(command === undefined || command.commands.length === 0 ? rest : commandFirst(rest, command))];
    }
    // What follows `--` is a node, and `--version` is no command's.
    if (word === "--" || program.options.some(({ short, long }) => word === short || word === long)) return argv;
    if (valued.has(word)) index += 1;
  }
  return argv;
}

/** Names of the options of all its commands that take a value. */
function valuedOptions(program: Command): ReadonlySet<string | undefined> {
  return new Set(
    program.commands.flatMap((command) => [
      ...command.options
        .filter(({ required, optional }) => required || optional)
        .flatMap(({ short, long }) => [short, long]),
      ...valuedOptions(command),
    ]),
  );
}

/** Ends the command line with an error where it asks for the help of a command that there is not. */
export function checkHelp([first, topic]: readonly string[], program: Command): void {
  if (first !== "help" || topic === undefined || commandNames(program).includes(topic)) return;
  program.error(`error: there is no command ${JSON.stringify(topic)}${guess(topic, commandNames(program))}`);
}

/** Ends the command line with an error where no audit can have such a node. */
export function checkNode(node: string, command: Command): void {
  if (stages.includes(node) || /^investigate:./.test(node)) return;
  const there = "There are setup, summary, export, investigate:<task>, collect and cleanup";
  // Who writes no command means `run`, and may have misspelt one.
  const isAlone = command.name() === "run" && command.parent?.args[0] !== "run";
  const names = isAlone && command.parent !== null ? commandNames(command.parent) : [];
  const what = isAlone ? "command or node" : "node";
  command.error(`error: there is no ${what} ${JSON.stringify(node)}${guess(node, [...names, ...stages])}\n${there}.`);
}

function commandNames(program: Command): readonly string[] {
  return [...program.commands.map((command) => command.name()), "help"];
}

function guess(word: string, names: readonly string[]): string {
  const near = closest(word, names);
  return near === undefined ? "" : `\n(Did you mean ${near}?)`;
}
