/**
 * audit.exceptions.yaml with more entries: every byte that a person wrote stays as it is where that can be.
 * Text in, text out; whoever writes the file reads the result first, as a run will read it.
 */
import type { ExceptionEntry } from "../model/exceptions.js";
import { isSeq, parseDocument, stringify, type YAMLSeq } from "./yaml.js";

const heading =
  "# Failures that a person has accepted. They are counted and shown in every report, and no agent is asked about them.";

/** @param text null: there is no file yet. What it is given must be readable, and hold no entry for the same. */
export function withExceptions(text: string | null, entries: readonly ExceptionEntry[]): string {
  if (text === null || text.trim() === "") return `${heading}\n${stringify({ version: 1, exceptions: entries })}`;
  const document = parseDocument(text, { version: "1.2", stringKeys: true });
  const list = document.get("exceptions", true);
  if (isSeq(list) && !list.flow && list.items.length > 0) return spliced(text, list, entries);
  // An empty list has no place to go on from, and one in brackets no lines: the document is written anew.
  const items = isSeq(list) ? [...list.items] : [];
  const blocks = document.createNode([...entries]) as YAMLSeq;
  blocks.items.unshift(...items);
  document.set("exceptions", blocks);
  return document.toString({ lineWidth: 0 });
}

/** The entries in the lines after the last one, as far to the right as that. */
function spliced(text: string, list: YAMLSeq, entries: readonly ExceptionEntry[]): string {
  const [first = 0] = list.range ?? [];
  const last = list.items.at(-1) as { readonly range?: readonly [number, number, number] | null } | undefined;
  const end = last?.range?.[1] ?? text.length;
  const indent = " ".repeat(first - (text.lastIndexOf("\n", first - 1) + 1));
  // A comment behind the last value belongs to it.
  const lineEnd = text[end - 1] === "\n" ? end - 1 : text.indexOf("\n", end);
  const at = lineEnd < 0 ? text.length : lineEnd + 1;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const added = stringify([...entries])
    .trimEnd()
    .replaceAll(/^/gm, indent)
    .replaceAll("\n", newline);
  const before = lineEnd < 0 && text !== "" ? `${text}${newline}` : text.slice(0, at);
  return `${before}${added}${newline}${text.slice(at)}`;
}
