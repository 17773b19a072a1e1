/**
 * audit.exceptions.yaml → accepted exceptions, and what is wrong with it. A broken entry does not hide the good ones.
 * Knows no case: whether an entry matches one, or has expired, is for findings/ to say.
 */
import { relative } from "node:path";
import type { Diagnostic } from "../model/diagnostic.js";
import { ExceptionEntry, exceptionsShape } from "../model/exceptions.js";
import type { AcceptedException } from "../model/finding.js";
import type { TextReading } from "./files.js";
import { located } from "./locate.js";
import {
  check,
  isMapping,
  type Problem,
  problem,
  quoted,
  unknownKey,
  type Written,
  withoutEchoes,
} from "./problems.js";
import type { Path, Places } from "./source-text.js";
import { SourceText, sorted } from "./source-text.js";
import { readYaml } from "./yaml.js";

export interface ExceptionsInput {
  /** Absolute path of the file. */
  readonly file: string;
  /** Diagnostics name the file relative to it. */
  readonly cwd: string;
  /** What reading the file gave. Where there is none, there are no exceptions. */
  readonly reading: TextReading;
}

export interface ExceptionsOutcome {
  /** The entries that are right, in the file's order. */
  readonly entries: readonly AcceptedException[];
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

export function readExceptions({ file, cwd, reading: found }: ExceptionsInput): ExceptionsOutcome {
  if (found.kind === "absent") return { entries: [], diagnostics: [] };
  const source = new SourceText(relative(cwd, file), found.kind === "text" ? found.text : "");
  if (found.kind === "unreadable") {
    const message = `the file cannot be read: ${found.reason}`;
    return {
      entries: [],
      diagnostics: [source.diagnostic([0, 1], { severity: "error", code: "unreadable", message })],
    };
  }
  const reading = readYaml(source);
  if (!reading.ok || reading.value === null) return { entries: [], diagnostics: sorted(reading.diagnostics) };

  const { entries, problems } = checkEntries(reading.value, reading.places, source);
  const diagnostics = [...reading.diagnostics, ...located(problems, source, reading.places)];
  return { entries, diagnostics: sorted(diagnostics) };
}

interface Entries {
  readonly entries: readonly AcceptedException[];
  readonly problems: readonly Problem[];
}

function checkEntries(value: unknown, places: Places, source: SourceText): Entries {
  const written: Written = { value, text: places.written };
  const head = checkHead(value, written);
  const list = isMapping(value) && Array.isArray(value.exceptions) ? (value.exceptions as readonly unknown[]) : [];
  const entries: AcceptedException[] = [];
  const problems = [...head];
  const seen = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    const path: Path = ["exceptions", index];
    const outcome = check(ExceptionEntry, item, path, written);
    if ("problems" in outcome) {
      problems.push(...outcome.problems);
      continue;
    }
    const { ticket, expires, ...entry } = outcome.value;
    const line = source.line(places.value(path)[0]);
    const key = JSON.stringify([entry.test, entry.group]);
    const first = seen.get(key);
    if (first !== undefined) {
      const message = `an exception for ${quoted(entry.test)} in ${quoted(entry.group)} stands in line ${first} already`;
      problems.push(problem([...path, "test"], "duplicate-exception", message));
      continue;
    }
    seen.set(key, line);
    entries.push({
      ...entry,
      expires: expires === "never" ? null : expires,
      ticket: ticket ?? null,
      at: `${source.file}:${line}`,
    });
  }
  return { entries, problems };
}

/** The file but for its entries. */
function checkHead(value: unknown, written: Written): readonly Problem[] {
  if (!isMapping(value)) {
    const hint = "write `version: 1`, then `exceptions:` with a list below it";
    return [problem([], "wrong-type", "the file must be a mapping (key: value)", { hint })];
  }
  const names = Object.keys(exceptionsShape);
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(exceptionsShape, key));
  const problems = unknown.map((key) => unknownKey([], key, names, value));
  const version = check(exceptionsShape.version, value.version, ["version"], written);
  if ("problems" in version) problems.push(...version.problems);
  // Without entries: they are checked one by one. A list with nothing in it yet is fine.
  const shell = Array.isArray(value.exceptions) || value.exceptions === null ? [] : value.exceptions;
  const list = check(exceptionsShape.exceptions, shell, ["exceptions"], written);
  if ("problems" in list) problems.push(...list.problems);
  return withoutEchoes(problems);
}
