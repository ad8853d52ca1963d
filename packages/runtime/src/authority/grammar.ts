import { parseAgentReference } from "@arcp/core";
import { END } from "./segment.ts";

/**
 * The set of texts that can occur as targets, as an automaton over characters in which every segment, including the last one, ends
 * with `END`.
 */
export interface Grammar {
  readonly start: string;
  /** The next place; undefined if no text continues with `character`. */
  move(place: string, character: string): string | undefined;
  isComplete(place: string): boolean;
  /** The characters except `END`, grouped by kind: all characters of a kind lead to the same place, from everywhere. */
  readonly kinds: readonly Iterable<string>[];
  /** Whether an accepted text really is a target, for rules that an automaton cannot express. */
  holds?(text: string): boolean;
}

const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Any text. */
export const TEXT: Grammar = {
  start: "",
  move: () => "text",
  isComplete: (place) => place === "text",
  kinds: [{ [Symbol.iterator]: everyCharacter }],
};

/** Moves by kind of character; any kind that is not listed counts as `other`. */
type Moves = Readonly<Record<string, Readonly<Record<string, string>>>>;

function follow(moves: Moves, place: string, kind: string): string | undefined {
  return moves[place]?.[kind] ?? (kind === "end" ? undefined : moves[place]?.["other"]);
}

/** Canonical paths: no segment is empty, `.` or `..`. The root itself has one more, empty segment. */
const PATH_MOVES: Moves = {
  start: { end: "root" },
  root: { end: "done", dot: "dot", other: "name" },
  dot: { dot: "dots", other: "name" },
  dots: { other: "name" },
  name: { end: "next", other: "name" },
  next: { dot: "dot", other: "name" },
};

export const PATH: Grammar = {
  start: "start",
  move: (place, character) => follow(PATH_MOVES, place, kindOf(character)),
  isComplete: (place) => place === "next" || place === "done",
  kinds: [{ [Symbol.iterator]: everyCharacter }, "."],
};

/** Paths of canonical URLs: segments may be empty, and `%` begins an escape of a character that needs one. */
const URL_PATH_MOVES: Moves = {
  start: { end: "first" },
  first: { end: "next", dot: "dot", percent: "%", other: "name" },
  next: { end: "next", dot: "dot", percent: "%", other: "name" },
  dot: { dot: "dots", percent: "%", other: "name" },
  dots: { dot: "name", percent: "%", other: "name" },
  name: { end: "next", percent: "%", other: "name" },
};

export const URL_PATH: Grammar = {
  start: "start",
  move(place, character) {
    if (!place.startsWith("%")) {
      return follow(URL_PATH_MOVES, place, character === "%" ? "percent" : kindOf(character));
    }
    if (!/[0-9A-F]/.test(character)) return undefined;
    if (place === "%") return `%${character}`;
    const escaped = String.fromCharCode(Number.parseInt(place.slice(1) + character, 16));
    return /[A-Za-z0-9._~/\\\0-]/.test(escaped) ? undefined : "name";
  },
  isComplete: (place) => place === "next",
  kinds: [`${LETTERS}GHIJKLMNOPQRSTUVWXYZ_~-!$&'()+,;=:@`, ".", "%", ...DIGITS, ..."ABCDEF"],
};

/**
 * Canonical hosts, over the letters that a pattern with wildcards may contain. A host whose last label reads as a number is an IPv4
 * address. IPv6 addresses can be left out: a pattern that distinguishes them from names contains none of their characters.
 */
export const HOST: Grammar = {
  start: "0 empty",
  move(place, character) {
    if (place === "whole" || "[:]".includes(character)) return undefined;
    const [octets = "", label = ""] = place.split(" ");
    if (character === END) return isHost(octets, label) ? "whole" : undefined;
    if (character === ".") {
      return `${OCTETS.has(label) && octets !== "x" ? nextOctet(octets) : "x"} empty`;
    }
    return `${octets} ${nextLabel(label, character)}`;
  },
  isComplete: (place) => place === "whole",
  kinds: ["ghijklmnopqrstuvwyz_-", "abcdef", "x", ".", "0", "1", "2", "34", "5", "6789"],
  // Not every label that begins with `xn--` is valid.
  holds: (text) => URL.canParse(`http://${text}/`) && new URL(`http://${text}/`).hostname === text,
};

const OCTETS: ReadonlySet<string> = new Set(["zero", "1", "2", "25", "two", "short", "full"]);

function nextOctet(octets: string): string {
  return octets === "0" ? "1" : octets === "1" ? "2" : octets === "2" ? "3" : "x";
}

function isHost(octets: string, label: string): boolean {
  if (OCTETS.has(label)) return octets === "3";
  return label === "name";
}

/** What the beginning of a label can become: an octet without leading zeros, another number, or a name. */
function nextLabel(label: string, character: string): string {
  const digit = DIGITS.includes(character) ? Number(character) : undefined;
  if (label === "zero" && character === "x") return "hex";
  if (label === "hex" && /[0-9a-f]/.test(character)) return "hex";
  if (digit === undefined || label === "name" || label === "hex") return "name";
  switch (label) {
    case "empty":
      return digit === 0 ? "zero" : digit < 3 ? character : "short";
    case "1":
      return "two";
    case "2":
      return digit < 5 ? "two" : digit === 5 ? "25" : "full";
    case "25":
      return digit < 6 ? "full" : "number";
    case "two":
    case "short":
      return "full";
    default:
      return "number";
  }
}

/** Names of agents and, from `versioned` on, names with a version. */
function agents(start: string): Grammar {
  return {
    start,
    move(place, character) {
      if (character === END) return /^(?:name|version)$/.test(place) ? "whole" : undefined;
      if (place === "first" || place === "versioned") {
        const named = place === "first" ? "name" : "named";
        return /[a-z0-9]/.test(character) ? named : undefined;
      }
      if (place === "name" || place === "named") {
        if (/[a-z0-9._-]/.test(character)) return place;
        return place === "named" && character === "@" ? "at" : undefined;
      }
      return place !== "whole" && /[A-Za-z0-9.+_-]/.test(character) ? "version" : undefined;
    },
    isComplete: (place) => place === "whole",
    kinds: [LETTERS + DIGITS, "._-", "@", "ABCDEFGHIJKLMNOPQRSTUVWXYZ+"],
    holds: (text) => parseAgentReference(text) !== undefined,
  };
}

export const AGENT_NAME: Grammar = agents("first");
export const AGENT_VERSION: Grammar = agents("versioned");

function kindOf(character: string): string {
  return character === END ? "end" : character === "." ? "dot" : "other";
}

function* everyCharacter(): Generator<string> {
  for (let code = 0x61; code < 0xd800; code += 1) yield String.fromCharCode(code);
}
