import type { Program } from "./program.ts";

/** A program that once broke something, and what that was. */
export interface Regression {
  readonly was: string;
  readonly program: Program;
}

/** As the soak printed them, by what was wrong. What the deeds draw decides what they do: a change there makes them other programs. */
export const regressions: readonly Regression[] = [
  {
    was: "R-10-2: nobody was told of a job that was delegated right before a crash",
    program: {
      seed: 700436,
      weather: { store: "memory", trouble: 0, kept: 26 },
      steps: [
        { deed: "submit", dice: 1090411888 },
        { deed: "submit", dice: 33646499 },
        { deed: "invite", dice: 609906752 },
        { deed: "comeBack", dice: 281727217 },
        { deed: "invite", dice: 1207512945 },
        { deed: "submit", dice: 1985108380 },
        { deed: "comeBack", dice: 720381685 },
        { deed: "speak", dice: 1437955650 },
        { deed: "crash", dice: 1908115648 },
      ],
    },
  },
  {
    was: "R-6.3-8: a session could not be resumed whose job was being removed when the process died",
    program: {
      seed: 700313,
      weather: { store: "memory", trouble: 0, kept: undefined },
      steps: [
        { deed: "invite", dice: 95744793 },
        { deed: "submit", dice: 134269149 },
        { deed: "invite", dice: 115638076 },
        { deed: "finish", dice: 1614272982 },
        { deed: "submit", dice: 1328444367 },
        { deed: "watch", dice: 1070919004 },
        { deed: "endWindows", dice: 1049911457 },
        { deed: "comeBack", dice: 1396522449 },
        { deed: "endWindows", dice: 1727435372 },
        { deed: "invite", dice: 76427884 },
        { deed: "crash", dice: 1471904526 },
        { deed: "comeBack", dice: 458447819 },
        { deed: "comeBack", dice: 339602522 },
        { deed: "crash", dice: 2129003421 },
      ],
    },
  },
  {
    was: "R-5.4-2: a subscription that was refused delivered its history",
    program: {
      seed: 710022,
      weather: { store: "memory", trouble: 10, kept: undefined },
      steps: [
        { deed: "comeBack", dice: 1665386517 },
        { deed: "comeBack", dice: 1253483019 },
        { deed: "comeBack", dice: 1826245142 },
        { deed: "invite", dice: 1345386352 },
        { deed: "submit", dice: 987312486 },
        { deed: "speak", dice: 645371412 },
        { deed: "speak", dice: 213176135 },
        { deed: "speak", dice: 1755038714 },
        { deed: "submit", dice: 2047321415 },
        { deed: "endWindows", dice: 2116371068 },
        { deed: "endSession", dice: 462333446 },
        { deed: "submit", dice: 1325725443 },
        { deed: "finish", dice: 211627319 },
        { deed: "finish", dice: 169652332 },
        { deed: "watch", dice: 1170132259 },
        { deed: "list", dice: 802986064 },
      ],
    },
  },
  {
    was: "R-6.3-18: a session that could not be forgotten at once left its numbers without an end",
    program: {
      seed: 700023,
      weather: { store: "memory", trouble: 10, kept: undefined },
      steps: [
        { deed: "crash", dice: 1861238778 },
        { deed: "endWindows", dice: 2114521447 },
        { deed: "invite", dice: 1986671021 },
        { deed: "submit", dice: 592831528 },
        { deed: "comeBack", dice: 179918545 },
        { deed: "speak", dice: 128093096 },
        { deed: "comeBack", dice: 965943134 },
        { deed: "finish", dice: 1781509182 },
        { deed: "submit", dice: 206486274 },
        { deed: "comeBack", dice: 1492657577 },
        { deed: "speak", dice: 144713493 },
        { deed: "crash", dice: 1206515943 },
        { deed: "comeBack", dice: 918564874 },
        { deed: "comeBack", dice: 371894644 },
        { deed: "comeBack", dice: 823300964 },
        { deed: "crash", dice: 792513949 },
        { deed: "speak", dice: 1366763718 },
        { deed: "comeBack", dice: 1145677947 },
        { deed: "crash", dice: 1507868322 },
        { deed: "invite", dice: 501519468 },
        { deed: "comeBack", dice: 573384868 },
        { deed: "endWindows", dice: 2089709597 },
      ],
    },
  },
];
