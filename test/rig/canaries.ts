/**
 * Secrets for tests that look for them afterwards, in every form that a program may write them in; and the search.
 * Each holds letters that nothing else does.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A key with a mark in each of its lines. Nobody can log in with it. */
export const canaryKey = [
  "-----BEGIN ENCRYPTED PRIVATE KEY-----",
  ...["A", "B", "C", "D"].map((letter) => `MIIEcanaryKey${letter.repeat(36)}+/0123456789abc`),
  "canaryKeyEndOfIt==",
  "-----END ENCRYPTED PRIVATE KEY-----",
  "",
].join("\n");

/** Signs that need to be written in another way in JSON, in URLs and in SQL. */
export function canarySecret(name: string): string {
  return `canary-${name} "p+w/%ö`;
}

/** The mark as it is, and wherever in base64 it begins. */
const marks = /canary|Y2FuYXJ5|NhbmFye|jYW5hcn/i;

/** What a driver, a proxy or a crash might write of some secrets. */
export function echoOf(secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [
      `password=${secret}`,
      secret,
      JSON.stringify({ password: secret }),
      JSON.stringify(JSON.stringify({ password: secret })),
      encodeURIComponent(secret),
      `https://me:${encodeURIComponent(secret)}@db.example.com/?token=${new URLSearchParams({ secret })}`,
      `Authorization: Basic ${Buffer.from(`me:${secret}`).toString("base64")}`,
      Buffer.from(secret).toString("base64"),
      Buffer.from(`{"x":"${secret}"}`).toString("base64url"),
      `psql: '${secret.replaceAll("'", "''")}'`,
      ...secret.split("\n"),
      secret.replaceAll("\n", "\\n"),
      new Error(`cannot connect with ${secret}`).message,
    ])
    .join("\n");
}

/** Where a canary is: the lines, by name of the text. */
export function sung(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts).flatMap(([name, text]) =>
    text.split("\n").flatMap((line) => (marks.test(line) ? [`${name}: ${line.slice(0, 300)}`] : [])),
  );
}

/** All files of a folder, by path. */
export async function textsIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const texts = await Promise.all(files.map(async (file) => [file, await readFile(file, "latin1")] as const));
  // Names of files are told, too.
  return { ...Object.fromEntries(texts), names: files.map((file) => file.slice(folder.length)).join("\n") };
}
