import type { Attempt } from "../trespasser.ts";
import { type Escape, under, unseen } from "./escape.ts";

const DENIED = "PERMISSION_DENIED";
const tool = (name: string): Attempt => ({ op: "tool.call", name });
const may = (capability: string, target: string): Attempt => ({
  op: "authorize",
  capability,
  target,
});
const model = (id: string): Attempt => ({ op: "model", id });
const print = (target: string): Attempt => may("x-vendor.acme.print", target);

export const names: readonly Escape[] = [
  ...under({ "tool.call": ["ocr.*"] }, [tool("ocr.page")], DENIED, [
    ["another tool", tool("shell.run")],
    ["a tool in another case", tool("OCR.page")],
    ["a tool without what comes behind the dot", tool("ocr")],
    ["a tool behind a slash", tool("x/ocr.page")],
    ["a tool before a slash", tool("ocr.page/shell.run")],
    ["a tool behind a blank", tool(" ocr.page")],
    ["a dot that only looks like it", tool("ocr\u2024page")],
    ["a wildcard as a name", tool("*")],
    ["the pattern of another", tool("shell.*")],
    ["a tool that is not there", tool("ocr.none"), "INVALID_REQUEST"],
    ["a line break behind a tool", tool("ocr.page\n"), "INVALID_REQUEST"],
  ]),
  ...under({ "tool.call": ["**"] }, [tool("shell.run")], "INVALID_REQUEST", [
    ["a property of every object", tool("constructor")],
    ["the prototype of every object", tool("__proto__")],
  ]),
  ...under({}, [], DENIED, [
    ["a tool without a lease", tool("ocr.page")],
    ["a model without a lease", model("mistral/large-3")],
    ["the word for a model without a lease", may("model.use", "mistral/large-3")],
    ["a URL without a lease", may("net.fetch", "https://acme.test/")],
    ["a file without a lease", { op: "fs.read", path: "open.txt" }],
    ["a vendor's thing without a lease", print("lobby")],
  ]),
  ...under({ "model.use": ["mistral/*"] }, [model("mistral/large-3")], DENIED, [
    ["a model of another", model("openai/gpt-9")],
    ["a maker without a model", model("mistral")],
    ["a maker and a slash", model("mistral/")],
    ["a model of a part of the maker", model("mistral/eu/large-3")],
    ["a maker with a longer name", model("mistral2/large-3")],
    ["a maker in another case", model("Mistral/large-3")],
    ["a model behind another maker", model("x/mistral/large-3")],
    [".. between makers", model("mistral/../openai/gpt-9")],
    ["a model behind a blank", model(" mistral/large-3")],
    ["a homograph of a model", model("mistr\u0430l/large-3")],
    ["a wildcard as a model", model("*/*")],
    ["the word for a model of another", may("model.use", "openai/gpt-9")],
  ]),
  ...unseen(under({ "model.use": ["**"] }, [], "INVALID_REQUEST", [["no model", model("")]])),
  ...under({ "model.use": [] }, [], DENIED, [["a model of none", model("mistral/large-3")]]),
  ...under({ "x-vendor.acme.print": ["lobby/*"] }, [print("lobby/2")], DENIED, [
    ["another target", print("vault/1")],
    ["no target", print("")],
    ["another name of the vendor", may("x-vendor.acme.printer", "lobby/2")],
    ["the name as a prefix", may("x-vendor.acme.print.all", "lobby/2")],
    ["another vendor", may("x-vendor.evil.print", "lobby/2")],
    ["the vendor in another case", may("x-vendor.ACME.print", "lobby/2")],
    ["a namespace that is none", may("fs.exec", "lobby/2")],
    ["amounts as a namespace", may("cost.budget", "USD:1")],
    ["a property of every object", may("constructor", "lobby/2")],
    ["the prototype of every object", may("__proto__", "lobby/2")],
  ]),
];
