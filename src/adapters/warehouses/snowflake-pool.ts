/**
 * Sessions, opened when first needed and at most so many. Where a person has to log in there is one for all. Knows no SQL.
 */
import { failed, ok, type Result } from "../../model/result.js";
import type { Session } from "./snowflake-session.js";

export interface Pool {
  /**
   * A session for the time of `work`. One that `work` says was lost is closed, and `work` is done once more with a new one,
   * which is safe: the server did not take the statement, or it was one that only reads.
   */
  use<Value>(
    work: (session: Session) => Promise<Result<Value>>,
    isLost: (result: Result<Value>) => boolean,
  ): Promise<Result<Value>>;
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly size: number;
  /** One session serves all at a time: statements of one session run side by side. */
  readonly shared: boolean;
  readonly open: () => Promise<Result<Session>>;
}

export function createPool({ size, shared, open }: PoolOptions): Pool {
  let closed = false;
  let busy = 0;
  const waiting: (() => void)[] = [];
  const idle: Session[] = [];
  const all = new Set<Session>();
  let common: Promise<Result<Session>> | null = null;
  let current: Session | null = null;
  const running = new Set<Promise<unknown>>();

  const opened = async (): Promise<Result<Session>> => {
    const session = await open();
    if (session.ok) all.add(session.value);
    return session;
  };
  const take = (): Promise<Result<Session>> => {
    if (!shared) {
      const session = idle.pop();
      return session === undefined ? opened() : Promise.resolve(ok(session));
    }
    common ??= opened().then((result) => {
      if (result.ok) current = result.value;
      else common = null;
      return result;
    });
    return common;
  };
  const drop = async (session: Session) => {
    // Of several that lost the shared one, the first says so.
    if (session === current) {
      common = null;
      current = null;
    }
    if (all.delete(session)) await session.close();
  };
  const enter = async () => {
    if (busy >= size) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
  };
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  };

  return {
    async use(work, isLost) {
      if (closed) return failed("aborted", "the warehouse is closed");
      const turn = (async () => {
        await enter();
        try {
          for (let attempt = 1; ; attempt += 1) {
            if (closed) return failed("aborted", "the warehouse is closed");
            const session = await take();
            if (!session.ok) return session;
            const result = await work(session.value);
            if (!isLost(result)) {
              if (!shared) idle.push(session.value);
              return result;
            }
            await drop(session.value);
            if (attempt === 2) return result;
          }
        } finally {
          leave();
        }
      })();
      running.add(turn);
      return await turn.finally(() => running.delete(turn));
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(running);
      await Promise.all([...all].map((session) => session.close()));
    },
  };
}
