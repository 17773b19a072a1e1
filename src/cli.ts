/**
 * The program's door: arguments, signals, exit code. What takes time to import is imported when it is needed.
 */
import { version } from "./support/version.js";

if (process.argv.length === 3 && ["--version", "-V"].includes(process.argv[2] ?? "")) {
  process.stdout.write(`${version}\n`);
} else {
  const { main } = await import("./commands/program.js");
  process.exitCode = await main(process.argv.slice(2));
}
