/** `audit-run doctor`: a line a finding, with the next step below it; or the same as JSON. */
import type { DiagnosisLine } from "../audit/doctor.js";
import { doctor } from "../audit.js";
import { counted } from "../model/amount.js";
import { visible } from "../reporters/terminal/text.js";
import type { CommonOptions, Invocation } from "./options.js";
import { requestOf } from "./request.js";

export async function doctorCommand(invocation: Invocation, options: CommonOptions): Promise<number> {
  const { terminal } = invocation;
  const { exitCode, lines, late } = await doctor(requestOf(invocation, options));
  terminal.print(options.json ? JSON.stringify({ version: 1, exitCode, checks: lines }, null, 2) : doctorText(lines));
  // What did not answer may keep this process for ever.
  if (late) process.stdout.write("", () => process.exit(exitCode));
  return exitCode;
}

export function doctorText(lines: readonly DiagnosisLine[]): string {
  const width = Math.max(...lines.map(({ check }) => check.length));
  const indent = " ".repeat("warning  ".length + width + 2);
  const blocks = lines.flatMap(({ check, level, message, hint }) => [
    `${level.padEnd("warning".length)}  ${check.padEnd(width)}  ${indented(message, indent)}`,
    ...(hint === null ? [] : [`${indent}→ ${indented(hint, indent)}`]),
  ]);
  return [...blocks, summary(lines)].join("\n");
}

function indented(text: string, indent: string): string {
  return text.split("\n").map(visible).join(`\n${indent}`);
}

function summary(lines: readonly DiagnosisLine[]): string {
  const count = (wanted: string) => lines.filter(({ level }) => level === wanted).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (problems + warnings === 0) return "All that a run needs is there.";
  const parts = [
    problems === 0 ? "" : counted(problems, "problem"),
    warnings === 0 ? "" : counted(warnings, "warning"),
  ];
  return `${parts.filter((part) => part !== "").join(", ")}.${problems === 0 ? " A run can start." : ""}`;
}
