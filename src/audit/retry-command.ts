/** The command that runs what is missing of a run: with its config and its narrowing, ready to paste. */
import { basename, dirname, relative } from "node:path";
import type { Settled } from "../model/graph.js";
import type { AuditRequest } from "./load.js";

/** @param settled where all that failed lacks a relation of the export, a retry, which takes that export, is no use. */
export function retryCommand(
  { configFile, cwd, selection, strategy }: AuditRequest,
  settled: readonly Settled[],
): string {
  const codes = settled.flatMap(({ failure }) => (failure === undefined ? [] : [failure.code]));
  const isOutdated = codes.length > 0 && codes.every((code) => code === "relation-missing");
  const isDefault = basename(configFile) === "audit.config.yaml" && dirname(configFile) === cwd;
  const words = [
    isOutdated ? "npx audit-run" : "npx audit-run retry",
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
