import { story } from "./story.ts";

await story(console.log);
