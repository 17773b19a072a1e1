/** `node:timers/promises` for the oracle: nobody waits. */
export async function setTimeout(_milliseconds: number, value?: unknown): Promise<unknown> {
  return value;
}
