import { expect, test } from "vitest";
import { createPools } from "../../src/execution/pools.js";

test("who steps aside gives its place to another, and goes on when there is a place again", async () => {
  const pools = createPools({ agent: 8, slots: 1, warehouse: 1 });
  const order: string[] = [];
  let free = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    free = resolve;
  });
  let working = 0;
  const work = async (name: string): Promise<void> => {
    working += 1;
    expect(working).toBe(1);
    order.push(name);
    await new Promise((resolve) => setImmediate(resolve));
    working -= 1;
  };
  const first = pools.use(["slots"], () =>
    pools.stepAside(
      ["slots"],
      () => waiting,
      () => work("first"),
    ),
  );
  const second = pools.use(["slots"], () => work("second"));
  const third = pools.use(["slots"], async () => {
    free();
    await work("third");
  });
  await Promise.all([first, second, third]);
  expect(order).toEqual(["second", "third", "first"]);
});

/** Works in a pool that end when the test says so. */
function works() {
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  return {
    begun,
    work: (name: string) => () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    },
    async endFirst(): Promise<void> {
      ends.shift()?.();
      await turn();
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a pool that gets smaller ends nothing, and starts nothing until so many have ended; one that grows starts at once", async () => {
  const pools = createPools({ agent: 3, slots: 9, warehouse: 9 });
  const { begun, work, endFirst } = works();
  const all = ["a", "b", "c", "d", "e", "f"].map((name) => pools.use(["agent", "slots"], work(name)));
  await turn();
  expect(begun).toEqual(["a", "b", "c"]);
  pools.resize("agent", 1);
  await endFirst();
  await endFirst();
  expect(begun).toEqual(["a", "b", "c"]);
  await endFirst();
  expect(begun).toEqual(["a", "b", "c", "d"]);
  pools.resize("agent", 2);
  await turn();
  expect(begun).toEqual(["a", "b", "c", "d", "e"]);
  for (let left = 0; left < 3; left += 1) await endFirst();
  await Promise.all(all);
});

test("who waits in a pool that is held takes no place in the pools after it", async () => {
  const pools = createPools({ agent: 2, slots: 1, warehouse: 1 });
  const { begun, work, endFirst } = works();
  let release = (): void => undefined;
  pools.hold(
    "agent",
    new Promise<void>((resolve) => {
      release = resolve;
    }),
  );
  const held = pools.use(["agent", "slots"], work("held"));
  const other = pools.use(["slots"], work("other"));
  await turn();
  expect(begun).toEqual(["other"]);
  await endFirst();
  release();
  await turn();
  expect(begun).toEqual(["other", "held"]);
  await endFirst();
  await Promise.all([held, other]);
});

test("who steps aside from a pool that got smaller comes back into it", async () => {
  const pools = createPools({ agent: 2, slots: 2, warehouse: 1 });
  const { begun, work, endFirst } = works();
  let goOn = (): void => undefined;
  const wait = () =>
    new Promise<void>((resolve) => {
      goOn = resolve;
    });
  const aside = pools.use(["agent", "slots"], () => {
    pools.resize("agent", 1);
    return pools.stepAside(["agent", "slots"], wait, work("aside"));
  });
  const others = ["b", "c"].map((name) => pools.use(["agent", "slots"], work(name)));
  await turn();
  expect(begun).toEqual(["b"]);
  goOn();
  await turn();
  expect(begun).toEqual(["b"]);
  for (let left = 0; left < 3; left += 1) await endFirst();
  await Promise.all([aside, ...others]);
  expect(begun).toEqual(["b", "c", "aside"]);
});
