/**
 * The program's door: arguments, signals, exit code. What takes time to import is imported when it is needed.
 */
import { version } from "./support/version.js";

if (process.argv.length === 3 && ["--version", "-V"].includes(process.argv[2] ?? "")) {
  process.stdout.write(`${version}\n`);
} else {
  const { main } = await import("./commands/program.js");
  process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
    const told = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${told}\n\nThis is a bug in audit-run ${version}. What was finished is kept; run again.\n`);
    // EX_SOFTWARE of sysexits.h: not to be mistaken for a failed gate. At once, for agents may still run.
    process.exit(70);
  });
}
