/**
 * Fills `{repo}` and `{n}` into a command of the user's, so that a path can never become shell syntax.
 */

/**
 * In a command: a value stays one piece of text wherever its placeholder stands, bare, in "double" or in 'single' quotes.
 * `${n}` is the shell's own and left alone.
 */
export function fillCommand(command: string, values: Readonly<Record<string, string>>): string {
  let filled = "";
  let quotes: "" | "'" | '"' = "";
  for (let at = 0; at < command.length; ) {
    const value = placeholderAt(command, at, values);
    if (value !== null) {
      filled += quoted(value.text, quotes);
      at = value.end;
      continue;
    }
    const character = command.charAt(at);
    // A backslash takes the next character along, but for single quotes, where it is a plain character.
    const length = character === "\\" && quotes !== "'" ? 2 : 1;
    if (character === "'" || character === '"') {
      if (quotes === "") quotes = character;
      else if (quotes === character) quotes = "";
    }
    filled += command.slice(at, at + length);
    at += length;
  }
  return filled;
}

/** In a path: plain text. */
export function fillPath(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

function placeholderAt(command: string, at: number, values: Readonly<Record<string, string>>) {
  if (command.charAt(at) !== "{" || command.charAt(at - 1) === "$") return null;
  const end = command.indexOf("}", at);
  const text = values[command.slice(at + 1, end)];
  return text === undefined ? null : { text, end: end + 1 };
}

function quoted(text: string, quotes: "" | "'" | '"'): string {
  if (quotes === '"') return text.replaceAll(/["\\$`]/g, "\\$&");
  const inSingle = text.replaceAll("'", "'\\''");
  if (quotes === "'") return inSingle;
  return /^[\w/.@:+-]+$/.test(text) ? text : `'${inSingle}'`;
}
