/** Amounts in sentences. Knows no language but English. */

/** `1 row`, `2 rows`; `1 row fails`, `2 rows fail` where an s at the end does not make the plural. */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

/** US dollars: `$0.03`. */
export function dollars(amount: number): string {
  return amount > 0 && amount < 0.01 ? "<$0.01" : `$${amount.toFixed(2)}`;
}

/** `950 tokens`, `12.3k tokens`, `1.2M tokens`. */
export function tokenText(tokens: number): string {
  if (tokens < 1_000) return counted(tokens, "token");
  return tokens < 999_950 ? `${(tokens / 1_000).toFixed(1)}k tokens` : `${(tokens / 1_000_000).toFixed(1)}M tokens`;
}
