/** How many tokens a text may be. An estimate: each model counts in its own way. */

/** Four characters of plain text to a token, as the vendors' rules of thumb have it; of other scripts, one. */
export function estimatedTokens(text: string): number {
  const others = text.match(/[^\0-\x7f]/g)?.length ?? 0;
  return Math.ceil((text.length - others) / 4) + others;
}
