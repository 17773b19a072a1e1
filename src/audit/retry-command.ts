/** The command that runs what is missing of a run: with its config and its narrowing, ready to paste. */
import { basename, dirname, relative } from "node:path";
import type { AuditRequest } from "./load.js";

export function retryCommand({ configFile, cwd, selection, strategy }: AuditRequest): string {
  const isDefault = basename(configFile) === "audit.config.yaml" && dirname(configFile) === cwd;
  const words = [
    "npx audit-run retry",
    ...(isDefault ? [] : [`--config ${quoted(relative(cwd, configFile) || configFile)}`]),
    ...selection.groups.map((group) => `--state ${quoted(group)}`),
    ...selection.tests.map((test) => `--test ${quoted(test)}`),
    ...(strategy === null ? [] : [`--strategy ${strategy}`]),
  ];
  return words.join(" ");
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
