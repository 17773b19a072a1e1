/**
 * Names that are safe as files, tmux sessions and parts of git refs, from text that is hostile or merely odd.
 * Injective within a set, without regard to case.
 */
import { sha256 } from "./digest.js";

const reservedOnWindows = /^(con|prn|aux|nul|com\d|lpt\d)$/i;
const longest = 64;

/**
 * One safe name for each text, in order. A text that is already safe and unlike all others keeps its name;
 * anything else gets a readable start and a digest of the whole text.
 */
export function safeNames(texts: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(texts)];
  const folded = new Map<string, number>();
  for (const text of distinct) folded.set(text.toLowerCase(), (folded.get(text.toLowerCase()) ?? 0) + 1);
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const plain = distinct.filter((text) => isSafe(text) && folded.get(text.toLowerCase()) === 1);
  for (const text of plain) {
    names.set(text, text);
    taken.add(text.toLowerCase());
  }
  for (const text of distinct) {
    if (names.has(text)) continue;
    const digest = sha256(text);
    const start = text
      .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
      .replace(/^[-_]+/, "")
      .slice(0, 32);
    let length = 8;
    let name = join(start, digest.slice(0, length));
    while (taken.has(name.toLowerCase())) {
      length += 8;
      name = join(start, digest.slice(0, length));
    }
    names.set(text, name);
    taken.add(name.toLowerCase());
  }
  return names;
}

function join(start: string, digest: string): string {
  return start === "" ? `x-${digest}` : `${start.replace(/-+$/, "")}-${digest}`;
}

function isSafe(text: string): boolean {
  return text.length <= longest && /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(text) && !reservedOnWindows.test(text);
}
