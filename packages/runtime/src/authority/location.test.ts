import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Look, locate, lookingOnce } from "./location.ts";
import { workspacePath } from "./workspace.ts";

let base: string;

beforeEach(async () => {
  base = workspacePath(await realpath(await mkdtemp(join(tmpdir(), "arcp-"))));
  await mkdir(`${base}/a/b`, { recursive: true });
  await writeFile(`${base}/a/b/file`, "");
});

afterEach(() => rm(base, { recursive: true }));

test("R-9.2-7: a path without links is where it is", async () => {
  expect(await locate(`${base}/a/b/file`)).toBe(`${base}/a/b/file`);
  expect(await locate("/")).toBe("/");
});

test("R-9.2-7: links are followed: absolute, relative, and links to links", async () => {
  await symlink(`${base}/a`, `${base}/absolute`);
  await symlink("../a/b", `${base}/a/relative`);
  await symlink("absolute/./relative//", `${base}/twice`);
  for (const path of ["absolute/b/file", "a/relative/file", "twice/file"]) {
    expect(await locate(`${base}/${path}`), path).toBe(await realpath(`${base}/${path}`));
  }
});

test("R-9.2-7: .. in a link starts from the link's real location", async () => {
  await mkdir(`${base}/x`);
  await symlink(`${base}/a/b`, `${base}/x/deep`);
  await symlink("deep/../..", `${base}/x/up`);
  expect(await locate(`${base}/x/up`)).toBe(await realpath(`${base}/x/up`));
  expect(await locate(`${base}/x/up`)).toBe(base);
  await symlink("../".repeat(50), `${base}/root`);
  expect(await locate(`${base}/root/etc`)).toBe(await realpath("/etc"));
});

test("a path that does not exist is located where it would be, also behind or through a link", async () => {
  await symlink(`${base}/a`, `${base}/link`);
  await symlink("a/missing/x", `${base}/dangling`);
  expect(await locate(`${base}/link/none/at/all`)).toBe(`${base}/a/none/at/all`);
  expect(await locate(`${base}/dangling/y`)).toBe(`${base}/a/missing/x/y`);
  expect(await locate(`${base}/a/b/file/below`)).toBe(`${base}/a/b/file/below`);
  const long = "x".repeat(300);
  expect(await locate(`${base}/link/${long}`)).toBe(`${base}/a/${long}`);
});

test("a circle of links has no location", async () => {
  await symlink("two", `${base}/one`);
  await symlink("one", `${base}/two`);
  await symlink("self/self", `${base}/self`);
  expect(await locate(`${base}/one`)).toBeUndefined();
  expect(await locate(`${base}/self`)).toBeUndefined();
});

test("a path leads through 40 links at most", async () => {
  const links = Array.from({ length: 41 }, (_, i) => [`/${i}`, `/${i + 1}`]);
  const { look } = disk(Object.fromEntries(links));
  expect(await locate("/1", look)).toBe("/41");
  expect(await locate("/0", look)).toBeUndefined();
});

/** A disk with only these entries, which counts how often it is looked at. */
function disk(links: Record<string, string>, directories: readonly string[] = []) {
  let looks = 0;
  const look: Look = async (path) => {
    looks += 1;
    const to = links[path];
    if (to !== undefined) return { to };
    return directories.includes(path) ? "no link" : "nothing";
  };
  return { look, looks: () => looks };
}

test("nothing is looked up below a directory that does not exist", async () => {
  const { look, looks } = disk({}, ["/a"]);
  const path = `/a/none${"/x".repeat(2000)}`;
  expect(await locate(path, look)).toBe(path);
  expect(looks()).toBe(2);
});

test("a sibling of what does not exist is looked up again", async () => {
  const { look } = disk({ "/link": "none/x/../../other/y", "/other": "/real" }, ["/real"]);
  expect(await locate("/link", look)).toBe("/real/y");
  expect(await locate("/link/../../other", look)).toBe("/real");
});

test("what many paths have in common is looked up once", async () => {
  const { look, looks } = disk({ "/a/link": "/a" }, ["/a"]);
  const once = lookingOnce(look);
  const paths = Array.from({ length: 100 }, (_, i) => `/a${"/link".repeat(i % 40)}/${i}`);
  const found = await Promise.all(paths.map((path) => locate(path, once)));
  expect(found).toEqual(paths.map((_, i) => `/a/${i}`));
  expect(looks()).toBe(102);
});
