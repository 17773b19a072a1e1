/**
 * The `.env` that dbt reads: in the folder that it is started in, or the nearest above. Its variables never replace those
 * of the environment. Knows no file.
 */

const line = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/;

/** Variables by name. What dbt's reader would not understand is left out, as it does. References to others stay as they are. */
export function readDotenv(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const found = line.exec(lines[index] ?? "");
    if (found === null) continue;
    const [, name = "", written = ""] = found;
    const quote = written.charAt(0);
    if (quote !== '"' && quote !== "'") {
      variables.set(name, written.replace(/\s+#.*$/, "").trimEnd());
      continue;
    }
    // A text in quotes may have several lines, as a private key has.
    let rest = written.slice(1);
    let end = closing(rest, quote);
    while (end < 0 && index + 1 < lines.length) {
      index += 1;
      rest += `\n${lines[index]}`;
      end = closing(rest, quote);
    }
    if (end >= 0) variables.set(name, unescaped(rest.slice(0, end), quote));
  }
  return variables;
}

function closing(text: string, quote: string): number {
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === quote) return index;
  }
  return -1;
}

function unescaped(text: string, quote: string): string {
  if (quote === "'") return text.replaceAll(/\\([\\'])/g, "$1");
  return text.replaceAll(/\\(.)/g, (written, letter: string) => {
    const known: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"', "'": "'" };
    return known[letter] ?? written;
  });
}
