/**
 * What this repository's documents show: code blocks, and the commands in them. Runs none and knows no option.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseDocument } from "yaml";

export const root = resolve(import.meta.dirname, "../..");

export interface Document {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly text: string;
}

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** Where its first line is in the document, from 1. */
  readonly line: number;
}

/** All that a user may read: the Markdown files at the top, in docs/ and in examples/. */
export function documents(): readonly Document[] {
  const top = readdirSync(root).filter((name) => name.endsWith(".md"));
  const below = ["docs", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md") && !/(^|\/)(\.audit|target|dbt_packages|node_modules)\//.test(path))
      .map((path) => `${folder}/${path}`),
  );
  return [...top, ...below].sort().map(document);
}

export function document(path: string): Document {
  return { path, text: readFileSync(join(root, path), "utf8") };
}

export function codeBlocks({ text }: Document, language: string): readonly CodeBlock[] {
  return [...text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```/gm)]
    .map((match) => ({
      language: match[1] ?? "",
      code: match[2] ?? "",
      line: text.slice(0, match.index).split("\n").length + 1,
    }))
    .filter((block) => block.language === language);
}

/** Every command that the document shows as one: in `sh` blocks, in steps of a workflow, indented, inline as `audit-run …`. */
export function commands(from: Document): readonly (readonly string[])[] {
  const blocks = codeBlocks(from, "sh").map(({ code }) => code);
  const steps = codeBlocks(from, "yaml").flatMap(({ code }) => workflowSteps(code));
  const prose = from.text.replaceAll(/^```[\s\S]*?^```/gm, "");
  const inline = [...prose.matchAll(/`((?:npx )?audit-run(?: [^`]*)?)`/g)].map((match) => match[1] ?? "");
  const indented = [...prose.matchAll(/^ {4}((?:npx|audit-run|npm|node|dbt)\b.*)$/gm)].map((match) => match[1] ?? "");
  return [...blocks, ...steps, ...indented, ...inline].flatMap(splitCommands);
}

/** What follows `audit-run`, where that is the program. */
export function auditArguments(from: Document): readonly (readonly string[])[] {
  return commands(from).flatMap((words) => {
    const [program, first, ...more] = words;
    if (program === "audit-run") return [words.slice(1)];
    return program === "npx" && first === "audit-run" ? [more] : [];
  });
}

/** The `run` steps of a GitHub workflow; none where the YAML is something else. */
function workflowSteps(code: string): readonly string[] {
  const value = parseDocument(code).toJS() as {
    readonly jobs?: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
  } | null;
  return Object.values(value?.jobs ?? {}).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
}

/** Words of each command, without comments and redirections. Knows quotes; no other syntax of a shell. */
function splitCommands(script: string): readonly (readonly string[])[] {
  const lines = script.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => {
    const words = [...line.matchAll(/#.*$|&&|\|\|?|;|>+|(?:'[^']*'|"[^"]*"|[^\s;&|>'"])+/g)].map(([word]) => word);
    const found: string[][] = [[]];
    for (const word of words) {
      if (word.startsWith("#")) break;
      if (/^(&&|\|\|?|;)$/.test(word)) found.push([]);
      else found.at(-1)?.push(word.replaceAll(/['"]/g, ""));
    }
    return found
      .map((command) => (command.includes(">") ? command.slice(0, command.indexOf(">")) : command))
      .filter((command) => command.length > 0);
  });
}
