import { expect, test } from "vitest";
import { createPools } from "../../src/execution/pools.js";

test("who steps aside gives its place to another, and goes on when there is a place again", async () => {
  const pools = createPools({ slots: 1, warehouse: 1 });
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
