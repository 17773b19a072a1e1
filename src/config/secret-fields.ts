/**
 * Which fields of files with credentials hold secrets, and a line of such a file as it may be shown. Knows no file.
 */

const secretName =
  "(?:pass|passwd|passphrase|passcode|pwd|password|[a-z_]*password|[a-z_]*passphrase|private_?key|privatekey|[a-z_]*token|" +
  "[a-z_]*secret|key_id|[a-z_]*access_key|[a-z_]*api_key|[a-z_]*credentials?)";

const whole = new RegExp(`^${secretName}$`, "i");
const before = new RegExp(`(?:^|[\\s,{"'?&;])${secretName}["']?\\s*[:=]\\s*`, "i");

/** `password`, `private_key_passphrase`, `oauth_client_secret`; a path of a file with a key in it is none. */
export function isSecretField(name: string): boolean {
  return whole.test(name);
}

/**
 * The line with what may be a secret drawn as stars of the same length, so that places in it stay. Jinja and `${NAME}` stay,
 * but for texts that are no variable's name: a default may be a secret.
 */
export function maskedLine(line: string): string {
  const found = before.exec(line);
  if (found === null) return keyMaterial.test(line) ? stars(line) : line;
  const start = found.index + found[0].length;
  const shown = line
    .slice(start)
    .split(/(\{\{.*?\}\}|\$\{[^}]*\})/)
    .map((part) => (/^(\{\{|\$\{)/.test(part) ? withoutDefaults(part) : stars(part)));
  return line.slice(0, start) + shown.join("");
}

/** A line of a key that stands in the file over several of them. */
const keyMaterial = /^\s*[A-Za-z0-9+/=_-]{32,}\s*$/;

function withoutDefaults(expression: string): string {
  return expression.replaceAll(
    /(var\(\s*)?(["'])(.*?)\2/g,
    (all, call: string | undefined, quote: string, text: string) =>
      call === undefined ? `${quote}${stars(text)}${quote}` : all,
  );
}

function stars(text: string): string {
  return text.replaceAll(/\S/g, "*");
}
