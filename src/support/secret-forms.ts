/**
 * What a secret may be written as by programs that did not mean to: line by line, in quotes, in URLs, in base64.
 * Knows no text to look in.
 */

/** Of letters. Fewer would stand in any word. */
const shortestSecret = 4;
/** Shorter lines of a secret are no secret by themselves, such as a bracket; nor is what frames a key. */
const shortestLine = 12;
/** The base64 of less would be as short as a word. */
const shortestEncoded = 8;

/** All that a secret may be written as; nothing where it is so short that it would stand in any word. */
export function formsOf(secret: string): readonly string[] {
  // A variable of one line has a key with `\\n` for its line breaks.
  const lines = secret.split(/\r?\n|\\r?\\?n/).map((line) => line.trim());
  const body = lines.filter((line) => !/^-----(BEGIN|END) /.test(line));
  const whole = [
    secret,
    secret.trim(),
    ...(lines.length > 1 ? [lines.join("\n"), lines.join("\\n"), body.join("")] : []),
  ];
  const forms = new Set<string>(lines.length > 1 ? body.filter((line) => line.length >= shortestLine) : []);
  for (const text of new Set(whole)) {
    const json = inJson(text);
    // Of a text in quotes of CSV and of SQL.
    const doubled = [text.replaceAll('"', '""'), json.replaceAll('"', '""'), text.replaceAll("'", "''")];
    const written = [text, json, inJson(json), ascii(json), ...doubled, ...urlForms(text), ...base64Forms(text)];
    for (const form of written) forms.add(form);
  }
  return [...forms].filter((form) => form.length >= shortestSecret);
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As JSON of Python's has it: letters beyond ASCII as `\u00e4`. */
function ascii(text: string): string {
  return text.replaceAll(/[^\0-~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** As in a path, as in a form; and with the small hexadecimal digits that some write. */
function urlForms(text: string): readonly string[] {
  try {
    const path = encodeURIComponent(text);
    const all = path.replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
    const forms = [path, all, path.replaceAll("%20", "+"), all.replaceAll("%20", "+")];
    return [...forms, ...forms.map((form) => form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
  } catch {
    // Half of a surrogate pair.
    return [];
  }
}

/** Wherever in the encoded text it begins: `user:password` in a header is one text. Without what its neighbours decide. */
function base64Forms(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  if (bytes.length < shortestEncoded) return [];
  const forms = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    return encoded.slice(from, to);
  });
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
