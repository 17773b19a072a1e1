// The program's own modules as one that can be imported: Node 20 runs no TypeScript. Knows nothing of what is measured.
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

const root = resolve(import.meta.dirname, "../..");

/** @param dir a folder from which packages are found. */
export async function bundleInside(dir) {
  const made = await rolldown({
    input: join(import.meta.dirname, "inside.ts"),
    cwd: root,
    platform: "node",
    logLevel: "warn",
    external: (id) => !id.startsWith(".") && !id.startsWith("/"),
    transform: { define: { __AUDIT_RUN_VERSION__: JSON.stringify("bench") } },
  });
  await made.write({ dir, format: "esm", entryFileNames: "inside.mjs" });
  await made.close();
  return join(dir, "inside.mjs");
}
