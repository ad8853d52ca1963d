// Opens files of whoever started it, as another user where that is possible: `nobody.ts FILE...`; a line for each.
import { sqliteStore } from "../src/sqlite-store.ts";

if (process.getuid?.() === 0) process.setuid?.(65_534);
for (const path of process.argv.slice(2)) {
  try {
    await sqliteStore(path).close();
    console.log("opened");
  } catch (error) {
    console.log(`${error}`);
  }
}
