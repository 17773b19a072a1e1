import { describe, expect, test } from "vitest";
import { checkHelp, commandFirst } from "../../src/commands/arguments.js";
import { createProgram } from "../../src/commands/program.js";
import { silentTerminal } from "../rig/silent-terminal.js";

function program() {
  const made = createProgram({ terminal: silentTerminal, argv: [] }, () => undefined);
  const quiet = { writeErr: () => undefined, writeOut: () => undefined };
  for (const command of [made, ...made.commands]) command.configureOutput(quiet);
  return made;
}

/** All that is said on stderr of a wrong command line. */
async function said(line: string): Promise<string> {
  const argv = line.split(" ");
  const parser = program();
  let text = "";
  const writeErr = (more: string): void => {
    text += more;
  };
  const output = { writeErr, writeOut: () => undefined };
  for (const command of [parser, ...parser.commands]) command.configureOutput(output);
  await expect(async () => {
    checkHelp(argv, parser);
    await parser.parseAsync([...commandFirst(argv, parser)], { from: "user" });
  }).rejects.toThrow();
  return text;
}

describe("options may stand before the command", () => {
  test.each([
    ["-c other.yaml plan", "plan -c other.yaml"],
    ["--config=other.yaml plan --json", "plan --config=other.yaml --json"],
    ["--state VA --state TX retry", "retry --state VA --state TX"],
    ["--json -c other.yaml explain investigate:VA", "explain --json -c other.yaml investigate:VA"],
    ["-c run run export", "run -c run export"],
    ["--help plan", "plan --help"],
  ])("audit-run %s", (line, wanted) => {
    expect(commandFirst(line.split(" "), program()).join(" ")).toBe(wanted);
  });

  test("and before commands of a command", () => {
    const made = program();
    const claims = made.command("claims");
    claims.command("take").option("--owner <name>");
    expect(commandFirst("--owner me claims take VA".split(" "), made)).toEqual("claims take --owner me VA".split(" "));
    expect(commandFirst("claims --owner me take VA".split(" "), made)).toEqual("claims take --owner me VA".split(" "));
  });

  test.each([["plan -c x"], ["-c plan"], ["--state VA export"], ["-- plan"], ["--version plan"], ["run plan"]])(
    "and `audit-run %s` is as it was",
    (line) => {
      expect(commandFirst(line.split(" "), program()).join(" ")).toBe(line);
    },
  );
});

describe("a wrong command line says what to do", () => {
  test.each([
    ["plann", 'error: there is no command or node "plann"\n(Did you mean plan?)\nThere are setup, summary'],
    ["exprt", 'error: there is no command or node "exprt"\n(Did you mean export?)\n'],
    ["VA", "There are setup, summary, export, investigate:<task>, collect and cleanup.\n"],
    ["run plan", 'error: there is no node "plan"\n'],
    ["retry colect", 'error: there is no node "colect"\n(Did you mean collect?)\n'],
    ["--state VA nonsense", 'error: there is no command or node "nonsense"\n'],
    ["help plam", 'error: there is no command "plam"\n(Did you mean plan?)\n'],
    ["explain", "error: missing required argument 'subject'\n(--help shows what there is)\n"],
    ["plan --jsn", "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
    ["--fail-fast plan", "error: unknown option '--fail-fast'\n"],
    ["--keep-going --fail-fast", "error: option '--keep-going' cannot be used with option '--fail-fast'\n"],
    ["retry VA --fail-fast --keep-going", "error: option '--keep-going' cannot be used with option '--fail-fast'\n"],
    ["--fail-on a,,b", "A category between commas is empty.\n"],
    ["graph investigate:VA", "error: too many arguments for 'graph'. Expected 0 arguments but got 1.\n"],
  ])("audit-run %s", async (line, wanted) => {
    const text = await said(line);
    expect(text).toContain(wanted);
    expect(text).toMatch(/\(--help shows what there is\)\n$/);
  });
});

test("each command that takes a lease says what it is otherwise", () => {
  const tasks = program().commands.find((command) => command.name() === "tasks");
  const help = (name: string) =>
    tasks?.commands
      .find((command) => command.name() === name)
      ?.helpInformation()
      .replaceAll(/\s+/g, " ");
  expect(help("claim")).toContain("at most 7d; default: timeouts.claim of the config");
  expect(help("heartbeat")).toContain("at most 7d; default: as long as it was");
});
