/**
 * The program's door: arguments, signals, exit code. What takes time to import is imported when it is needed.
 */
import { version } from "./support/version.js";

const argv = process.argv.slice(2);
if (argv.length === 1 && ["--version", "-V"].includes(argv[0] ?? "")) {
  process.stdout.write(`${version}\n`);
} else {
  const { runUnchanged } = await import("./commands/unchanged.js");
  process.exitCode = (await runUnchanged(argv)) ?? (await run());
}

async function run(): Promise<number> {
  // What is thrown where nobody waits for it, such as in a driver's own callback, ends here too.
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  try {
    const { main } = await import("./commands/program.js");
    return await main(argv);
  } catch (error: unknown) {
    return crash(error);
  }
}

/** A driver's error may hold the connection with its password. */
async function crash(error: unknown): Promise<never> {
  const { createCrashRedactor } = await import("./support/redact.js");
  const told = createCrashRedactor(process.env)(String(error instanceof Error ? error.stack : error));
  process.stderr.write(`${told}\n\nThis is a bug in audit-run ${version}. What was finished is kept; run again.\n`);
  // EX_SOFTWARE of sysexits.h: not to be mistaken for a failed gate. At once, for agents may still run.
  process.exit(70);
}
