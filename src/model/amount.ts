/** Amounts in sentences. Knows no language but English. */

/** `1 row`, `2 rows`; `1 row fails`, `2 rows fail` where an s at the end does not make the plural. */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

/** `$1.20`, `<$0.01`. */
export function dollars(amount: number): string {
  return amount > 0 && amount < 0.01 ? "<$0.01" : `$${amount.toFixed(2)}`;
}
