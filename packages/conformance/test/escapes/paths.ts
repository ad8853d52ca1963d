import type { Attempt } from "../trespasser.ts";
import { type Escape, under } from "./escape.ts";

const read = (path: string): Attempt => ({ op: "fs.read", path });
const write = (path: string): Attempt => ({ op: "fs.write", path });
const list = (path: string): Attempt => ({ op: "fs.list", path });
const stat = (path: string): Attempt => ({ op: "fs.stat", path });

const DENIED = "PERMISSION_DENIED";
/** `$W` is the workspace, a directory `work` in `$R`, which also holds `secret.txt`. */
const WORK = { "fs.read": ["$W/**"] };

export const paths: readonly Escape[] = [
  ...under(WORK, [read("open.txt"), list("."), stat("$W/sub/")], DENIED, [
    ["..", read("$W/../secret.txt")],
    ["..", read("$W/sub/../../secret.txt")],
    [".. in a relative path", read("../secret.txt")],
    [".. behind a directory", read("sub/../../secret.txt")],
    [".. behind what is not there", read("none/../../secret.txt")],
    [".. behind a link", read("inner-link/../../secret.txt")],
    [".. between double slashes", read("$W//..//secret.txt")],
    ["./ and ..", read("$W/./.././secret.txt")],
    ["above the root", read("/../../../../../../../../etc/passwd")],
    ["a double slash at the beginning", read("//etc/passwd")],
    ["another absolute path", read("/etc/passwd")],
    ["a prefix twin", read("$R/work-evil/secret.txt")],
    ["a prefix twin, relative", read("../work-evil/secret.txt")],
    ["NUL at the end", read("$W/open.txt\0")],
    ["NUL in the middle", read("$R/secret.txt\0.txt")],
    ["another case", read("$R/WORK/open.txt")],
    ["an encoded letter", read("$R/%77ork/open.txt")],
    ["an encoded slash", read("$R%2fwork%2f..%2f../../secret.txt")],
    ["a link to a file", read("file-link")],
    ["a link to a directory", read("$W/out-link/secret.txt")],
    ["a link over a link", read("link-link")],
    ["a link to the root", read("root-link/etc/passwd")],
    ["a link to itself", read("loop-link")],
    ["the process's view of the root", list("/proc/self/root")],
    ["the process's working directory", read("/proc/self/cwd/../secret.txt")],
    ["an open file of the process", read("/dev/fd/0")],
    ["a trailing slash", read("$R/secret.txt/")],
    ["an empty path", read("")],
    ["a path that goes on and on", read("a/".repeat(4097))],
    ["the directory above", list("..")],
    ["a directory through a link", list("out-link")],
    ["the root", list("/")],
    ["what a file is", stat("../secret.txt")],
    ["what is behind a link", stat("file-link")],
    ["whether something is there", stat("../none.txt")],
    // Names as any other, and no file has them.
    ["encoded dots", read("%2e%2e/secret.txt"), "ENOENT"],
    ["encoded dots and slash", read("%2e%2e%2fsecret.txt"), "ENOENT"],
    ["backslashes", read("..\\secret.txt"), "ENOENT"],
    ["dots that only look like it", read("\u2024\u2024/secret.txt"), "ENOENT"],
    ["a full-width slash", read("..\uff0fsecret.txt"), "ENOENT"],
    ["a file URL", read("file://$R/secret.txt"), "ENOENT"],
    ["a home directory", read("~root/.profile"), "ENOENT"],
  ]),
  ...under({ "fs.read": ["*.txt"] }, [read("open.txt")], DENIED, [
    ["a wildcard and a slash", read("sub/deep.txt")],
    ["a wildcard and the directory itself", list("$W")],
    ["a wildcard and a hidden way up", read("sub/../../secret.txt")],
    ["a wildcard and another case", read("open.TXT")],
    ["a wildcard and a longer ending", read("open.txt~")],
  ]),
  ...under({ "fs.read": ["$W/sub/*"] }, [read("sub/deep.txt")], DENIED, [
    ["one segment and none", list("sub")],
    ["one segment and two", read("sub/more/deeper.txt")],
    ["one segment and ..", read("sub/../open.txt")],
  ]),
  ...under({ "fs.read": ["?pen.txt", "[o]pen.txt", "{open}.txt", "open\\.txt"] }, [], DENIED, [
    ["what is a wildcard elsewhere", read("open.txt")],
  ]),
  ...under({ "fs.write": ["**"], "tool.call": ["**"] }, [], DENIED, [
    ["another namespace", read("open.txt")],
    ["another namespace, relative", stat(".")],
  ]),
  ...under({ "fs.read": ["**"] }, [read("open.txt")], DENIED, [
    ["writing where it may read", write("open.txt")],
    ["a new file where it may read", write("new.txt")],
  ]),
  ...under({ "fs.write": ["out/**"] }, [write("out/a.txt"), write("$W/out//./a.txt")], DENIED, [
    ["reading where it may write", read("out/a.txt")],
    ["writing to ..", write("out/../open.txt")],
    ["writing a new file to ..", write("out/../new.txt")],
    ["writing above the workspace", write("../new.txt")],
    ["writing to another place", write("$R/new.txt")],
    ["writing to a prefix twin", write("outside.txt")],
    ["writing to a prefix twin of a directory", write("$R/work-evil/secret.txt")],
    ["writing with NUL", write("out/a.txt\0")],
    ["writing in another case", write("OUT/a.txt")],
    ["writing through a link to a file", write("out/file-link")],
    ["writing through a link to a directory", write("out/up-link/open.txt")],
    ["writing a new file through a link to a directory", write("out/up-link/new.txt")],
    ["writing through a link to what is not there", write("out/new-link")],
    ["writing to an encoded place", write("%6fut/a.txt")],
    ["writing to a device", write("/dev/null")],
    ["writing to the process", write("/proc/self/mem")],
  ]),
];
