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
};

/** The errors that say something; what the reader could not place after another error is only its echo. */
export function firstCauses<Problem extends SyntaxProblem>(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ code }, index) => index === 0 || code !== "UNEXPECTED_TOKEN");
}

/** Where the library repeats the file's text, which may be a password without quotes. The place is shown anyway. */
const quoting =
  /^(Block scalar header includes extra characters|Could not resolve tag|Unresolved tag|Unexpected .*? token in YAML stream|Unexpected token|Invalid escape sequence)(?::| ).*$/;

export function syntaxError(problem: SyntaxProblem): Finding {
  const messages: Readonly<Partial<Record<string, string>>> = {
    TAB_AS_INDENT: "a tab stands where only spaces may",
    MULTIPLE_DOCS: "a second document starts here",
    BAD_ALIAS: "an alias (*name) without a name",
    RESOURCE_EXHAUSTION: "nested too deep",
    BLOCK_AS_IMPLICIT_KEY: "a second `key: value` on one line",
    NON_STRING_KEY: "a key must be text",
  };
  const [first = problem.code] = problem.message.split("\n");
  const said = first.replace(quoting, "$1");
  const bracket = /^Flow (sequence|map) .* end with a (\S)$/.exec(said);
  const opened = bracket?.[1] === "map" ? "mapping {" : "list [";
  const unclosed = bracket === null ? null : `a ${opened} must end with ${bracket[2]}, indented more than its key`;
  const message = messages[problem.code] ?? unclosed ?? said.charAt(0).toLowerCase() + said.slice(1);
  return yamlError("broken-yaml", `this is not valid YAML: ${message}`, syntaxHints[problem.code]);
}
