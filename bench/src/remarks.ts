/** The remarks of a page, by the scenario in the heading above. */
export function remarksIn(page: string): ReadonlyMap<string, string> {
  const [, ...sections] = page.split(/^## /m);
  return new Map(
    sections.map((section) => {
      const [id = "", ...lines] = section.split("\n");
      return [id.trim(), lines.join("\n").trim()];
    }),
  );
}
