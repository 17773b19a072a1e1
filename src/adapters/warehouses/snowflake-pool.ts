/**
 * Sessions, opened when first needed and at most so many. Where a person has to log in there is one for all. Knows no SQL.
 */
import { failed, ok, type Result } from "../../model/result.js";
import { orAborted } from "./abortable.js";
import type { Session } from "./snowflake-session.js";

export interface Pool {
  /**
   * A session for the time of `work`. One that `work` says was lost is closed, and `work` is done once more with a new one,
   * which is safe: the server did not take the statement, or it was one that only reads. An abort is answered at once while
   * there is no session yet; later it is for `work` to see to.
   */
  use<Value>(
    work: (session: Session) => Promise<Result<Value>>,
    isLost: (result: Result<Value>) => boolean,
    signal: AbortSignal | undefined,
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
  const idle: Session[] = [];
  const all = new Set<Session>();
  const running = new Set<Promise<unknown>>();
  let common: Promise<Result<Session>> | null = null;
  let current: Session | null = null;
  const places = createPlaces(size);

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
  const giveBack = (session: Session) => {
    if (!shared) idle.push(session);
  };
  const drop = async (session: Session) => {
    // Of several that lost the shared one, the first says so.
    if (session === current) {
      common = null;
      current = null;
    }
    if (all.delete(session)) await session.close();
  };
  const track = <Value>(work: Promise<Value>): Promise<Value> => {
    running.add(work);
    return work.finally(() => running.delete(work));
  };
  /** In a place of its own, which it leaves whatever happens. */
  const inPlace: Pool["use"] = async (work, isLost, signal) => {
    for (let attempt = 1; ; attempt += 1) {
      if (closed) return failed("aborted", "the warehouse is closed");
      const session = await take();
      if (!session.ok) return session;
      if (signal?.aborted === true) {
        giveBack(session.value);
        return cancelled();
      }
      const result = await work(session.value);
      if (!isLost(result)) {
        giveBack(session.value);
        return result;
      }
      await drop(session.value);
      if (attempt === 2) return result;
    }
  };

  return {
    async use(work, isLost, signal) {
      if (closed) return failed("aborted", "the warehouse is closed");
      if (!(await places.enter(signal))) return cancelled();
      let isWorking = false;
      const begun = (session: Session) => {
        isWorking = true;
        return work(session);
      };
      const turn = track(inPlace(begun, isLost, signal).finally(places.leave));
      // A login that nobody waits for any more goes on in its place, for the next.
      const first = await orAborted(turn, signal);
      return first ?? (isWorking ? turn : cancelled());
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(running);
      await Promise.all([...all].map((session) => session.close()));
    },
  };
}

/** So many at a time, in the order in which they came. */
function createPlaces(size: number) {
  let busy = 0;
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  };
  return {
    leave,
    /** False where the signal came first. */
    async enter(signal: AbortSignal | undefined): Promise<boolean> {
      if (busy < size) {
        busy += 1;
        return true;
      }
      let mine: () => void = () => undefined;
      const turn = new Promise<true>((resolve) => {
        mine = () => resolve(true);
        waiting.push(mine);
      });
      if ((await orAborted(turn, signal)) !== null) return true;
      const index = waiting.indexOf(mine);
      if (index === -1) leave();
      else waiting.splice(index, 1);
      return false;
    },
  };
}

function cancelled() {
  return failed("aborted", "the query was cancelled");
}
