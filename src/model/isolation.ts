/**
 * What keeps an agent to its task. `restricted`: its own program's limits, read-only and our tools alone, in a checkout of
 * its own where it has one. `checkout`: that checkout alone. `none`: it works in the user's own tree. `built-in`: a part of
 * audit-run, which runs no program.
 */
export type Isolation = "restricted" | "checkout" | "none" | "built-in";
