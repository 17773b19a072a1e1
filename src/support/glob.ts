/** Names with `*` (any text) and `?` (any one character). Everything else stands for itself. Knows no paths. */

/** True where one of the patterns fits the whole text. */
export function globs(patterns: readonly string[], options: { ignoreCase?: boolean } = {}): (text: string) => boolean {
  const flags = options.ignoreCase === true ? "isu" : "su";
  const expressions = patterns.map((pattern) => {
    const source = pattern
      .replaceAll(/\*+/g, "*")
      .replaceAll(/[.+^${}()|[\]\\/]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    return new RegExp(`^${source}$`, flags);
  });
  return (text) => expressions.some((expression) => expression.test(text));
}
