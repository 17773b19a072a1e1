/** What the YAML library calls a syntax error → what to tell the person who wrote it. */
import type { Finding } from "./source-text.js";

export const aliasHint = 'a text that starts with * needs quotes: "*"';

export function yamlError(code: string, message: string, hint?: string): Finding {
  return { severity: "error", code, message, ...(hint === undefined ? {} : { hint }) };
}

interface SyntaxProblem {
  readonly code: string;
  readonly message: string;
}

const syntaxHints: Readonly<Partial<Record<string, string>>> = {
  TAB_AS_INDENT: "indent with spaces",
  MULTIPLE_DOCS: "keep one document: remove the line ---",
  BAD_ALIAS: aliasHint,
  BAD_SCALAR_START: "put the text in quotes",
  BLOCK_AS_IMPLICIT_KEY: 'a text that holds ": " needs quotes',
  NON_STRING_KEY: "a key is one plain text",
};

export function syntaxError(problem: SyntaxProblem): Finding {
  const messages: Readonly<Partial<Record<string, string>>> = {
    TAB_AS_INDENT: "a tab stands where only spaces may",
    MULTIPLE_DOCS: "a second document starts here",
    BAD_ALIAS: "an alias (*name) without a name",
    RESOURCE_EXHAUSTION: "nested too deep",
  };
  const [said = problem.code] = problem.message.split("\n");
  const bracket = /^Flow (sequence|map) .* end with a (\S)$/.exec(said);
  const unclosed =
    bracket === null ? null : `this ${bracket[1] === "map" ? "mapping {" : "list ["} is not closed with ${bracket[2]}`;
  const message = messages[problem.code] ?? unclosed ?? said.charAt(0).toLowerCase() + said.slice(1);
  return yamlError("broken-yaml", `this is not valid YAML: ${message}`, syntaxHints[problem.code]);
}
