import { expect, test } from "vitest";
import { shownUrl, shownUrlsIn } from "./shown-url.ts";

test.each([
  ["wss://agents.example/arcp", "wss://agents.example/arcp"],
  ["wss://me:p@ss@agents.example/arcp", "wss://***@agents.example/arcp"],
  ["wss://token@agents.example", "wss://***@agents.example"],
  ["wss://a.example/@me?to=b@c", "wss://a.example/@me?to=b@c"],
  [
    "wss://a.example/?access_token=s&room=2&api_key=t&X-Signature=u",
    "wss://a.example/?access_token=***&room=2&api_key=***&X-Signature=***",
  ],
  // Not an address.
  ["me:secret@a.example", "***@a.example"],
  ["wss:/me:secret@a.example", "wss:/***@a.example"],
  ["wss://me:se/cret@a.example", "wss://***@a.example"],
  ["localhost:80", "localhost:80"],
])("%s is shown without its secrets", (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});

test("the urls in a text are shown without their secrets", () => {
  expect(shownUrlsIn('"ws://a:b@c/d" and wss://e/f?token=g: 3@4')).toBe(
    '"ws://***@c/d" and wss://e/f?token=*** 3@4',
  );
});
