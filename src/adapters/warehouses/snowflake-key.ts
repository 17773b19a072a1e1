/**
 * A private key, as a file or as a text, in the form in which the driver takes it; and what files of a login hold. Knows no
 * other way to log in.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { ConnectionOptions } from "snowflake-sdk";
import { failed, ok, type Result } from "../../model/result.js";
import type { WarehouseContext } from "../../model/warehouse.js";
import type { SnowflakeSettings } from "./snowflake-settings.js";

type Context = Pick<WarehouseContext, "baseDir">;

export async function keyPair(settings: SnowflakeSettings, context: Context): Promise<Result<ConnectionOptions>> {
  const { privateKey, privateKeyPath, privateKeyPassphrase: passphrase, user } = settings;
  if (user === undefined) return lacking("snowflake_jwt", "user");
  const where = privateKey === undefined ? `the private key '${privateKeyPath}'` : "the private key";
  const read = privateKey === undefined ? await contents(privateKeyPath ?? "", context, "private key") : ok(privateKey);
  if (!read.ok) return read;
  let key: KeyObject;
  try {
    key = parseKey(read.value, passphrase);
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? "");
    const isLocked = /MISSING_PASSPHRASE|BAD_DECRYPT|BAD_PASS|INTERRUPTED|DECRYPT/i.test(
      `${code} ${(error as Error).message}`,
    );
    const locked = passphrase === undefined ? "is locked by a passphrase" : "does not open with this passphrase";
    return failed("warehouse-auth", isLocked ? `${where} ${locked}` : `${where} cannot be read as a private key`, {
      hint: isLocked
        ? "set privateKeyPassphrase, best as a variable of the environment"
        : "it must be a PEM file (`-----BEGIN PRIVATE KEY-----`, or ENCRYPTED, or RSA), or PKCS#8 in base64",
    });
  }
  if (key.asymmetricKeyType !== "rsa") {
    return failed("warehouse-auth", `${where} is of type ${key.asymmetricKeyType}; Snowflake takes RSA keys here`);
  }
  const pem = key.export({ format: "pem", type: "pkcs8" }).toString();
  return ok({ authenticator: "SNOWFLAKE_JWT", privateKey: pem });
}

/** PEM, or what dbt takes besides: base64 of PKCS#8. */
function parseKey(text: string, passphrase: string | undefined): KeyObject {
  const more = passphrase === undefined ? {} : { passphrase };
  // In an environment's variable line ends are often written out.
  const pem = text.replaceAll("\\n", "\n").trim();
  if (pem.includes("-----BEGIN")) return createPrivateKey({ key: `${pem}\n`, format: "pem", ...more });
  return createPrivateKey({ key: Buffer.from(pem, "base64"), format: "der", type: "pkcs8", ...more });
}

/** Of a file that the settings name. */
export async function contents(path: string, { baseDir }: Context, what: string): Promise<Result<string>> {
  const file = resolve(baseDir, path.replace(/^~(?=[/\\]|$)/, homedir()));
  try {
    return ok(await readFile(file, "utf8"));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "cannot be read";
    return failed("warehouse-auth", `the ${what} '${file}' ${reason}`);
  }
}

export function lacking(way: string, what: string) {
  return failed("warehouse-auth", `logging in to Snowflake by '${way}' needs ${what}`, {
    hint: "docs/warehouses.md lists what each way to log in needs",
  });
}
