/** `audit-run query "select …"`: the result on stdout as a table, JSON or CSV; what is to be said of it on stderr. */
import { query } from "../audit.js";
import { csv } from "../reporters/csv.js";
import type { CommonOptions, Invocation } from "./options.js";
import { noteOn, tableText } from "./query-text.js";
import { refuse, requestOf } from "./request.js";

export interface QueryCommandOptions extends CommonOptions {
  readonly csv?: boolean;
  readonly maxRows: number;
}

export async function queryCommand(invocation: Invocation, sql: string, options: QueryCommandOptions): Promise<number> {
  const { terminal } = invocation;
  const answer = await query(
    requestOf(invocation, options),
    sql === "-" ? await standardInput() : sql,
    options.maxRows,
  );
  if ("diagnostics" in answer) return refuse(terminal, answer);
  const { result, took } = answer;
  const { columns, rows, truncated, truncatedBy = null } = result;
  if (options.csv) {
    const names = columns.map(({ name }) => name);
    terminal.print(await csv(names, rows));
  } else if (options.json) {
    terminal.print(JSON.stringify({ version: 1, columns, rows, truncated, truncatedBy, took }, null, 2));
  } else terminal.print(tableText(result, terminal.screen()?.columns ?? null));
  terminal.say(noteOn(result, took, "64 MB"));
  return 0;
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/^\uFEFF/, "");
}
