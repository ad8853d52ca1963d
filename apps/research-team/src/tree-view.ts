import { createLogUpdate } from "log-update";
import colours from "picocolors";
import { type JobNode, nodesOf } from "./job-tree.ts";

const { cyan, dim, green, red } = colours;

/** Where the story is printed: lines, and between them a tree that moves. */
export interface TreeView {
  say(line: string): void;
  /** Begins to show a tree. */
  show(root: JobNode): void;
  /** A descendant of it changed its state. */
  changed(node: JobNode, depth: number): void;
  /** Leaves the tree as it is. */
  settle(): void;
}

/** A terminal gets the tree as it grows, anything else a line for each change. */
export function openTreeView(): TreeView {
  return process.stdout.isTTY && process.env["TERM"] !== "dumb" ? liveView() : plainView();
}

function plainView(): TreeView {
  return {
    say: (line) => console.log(line),
    show() {},
    changed: ({ name, state }, depth) => console.log(`${"  ".repeat(depth + 1)}${name}: ${state}`),
    settle() {},
  };
}

/** How often it is redrawn, in ms: changes come faster than anybody can read. */
const FRAME = 80;

function liveView(): TreeView {
  const draw = createLogUpdate(process.stdout);
  let stop = (): void => {};
  return {
    say: (line) => console.log(line),
    show(root) {
      const redraw = (): void => draw(drawn(root, process.stdout.columns).join("\n"));
      const timer = setInterval(redraw, FRAME);
      stop = () => {
        clearInterval(timer);
        redraw();
        draw.done();
        stop = () => {};
      };
    },
    changed() {},
    settle: () => stop(),
  };
}

const STATE = 20;
const SPENT = 10;

/** The tree as lines that fit a width: who, what it does, and what it spent with all its descendants. */
export function drawn(root: JobNode, width: number): string[] {
  const room = Math.max(12, Math.min(44, width - STATE - SPENT - 1));
  const line = (node: JobNode, branch: string): string => {
    const spent = [...nodesOf(node)].reduce((sum, { spent }) => sum + spent, 0);
    const name = fit(branch + node.name, room);
    const money = `$${(spent / 1e6).toFixed(4)}`.padStart(SPENT);
    return (
      dim(name.slice(0, branch.length)) + name.slice(branch.length) + painted(node) + dim(money)
    );
  };
  const below = ({ children }: JobNode, indent: string): string[] =>
    children.flatMap((child, i) => {
      const isLast = i === children.length - 1;
      return [
        line(child, `${indent}${isLast ? "└─ " : "├─ "}`),
        ...below(child, `${indent}${isLast ? "   " : "│  "}`),
      ];
    });
  return [line(root, ""), ...below(root, "")];
}

function painted({ state }: JobNode): string {
  const paint = state === "done" ? green : /^[A-Z_]+$/.test(state) ? red : cyan;
  return paint(fit(state, STATE));
}

function fit(text: string, width: number): string {
  return text.length > width - 1 ? `${text.slice(0, width - 2)}… ` : text.padEnd(width);
}
