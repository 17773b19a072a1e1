/** Problems at paths → diagnostics at places. */
import type { Diagnostic } from "../model/diagnostic.js";
import type { Problem } from "./problems.js";
import type { Places, SourceText } from "./source-text.js";

export function located(problems: readonly Problem[], source: SourceText, places: Places): readonly Diagnostic[] {
  return problems.map(({ path, part, finding }) => {
    const isAbsent = finding.code === "missing-key";
    const [start, end] = isAbsent ? places.key(path.slice(0, -1)) : places[part](path);
    // The root has no key to underline, and a line that is right should not look wrong.
    return source.diagnostic(isAbsent && path.length === 1 ? [start, start + 1] : [start, end], finding);
  });
}
