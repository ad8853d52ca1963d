const number = new Intl.NumberFormat("en-US");

/** A number with thousands separators. */
export function digits(value: number): string {
  return number.format(value);
}

/** Text from elsewhere, such as a file's name, without characters that control a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, "·");
}

/** Cuts a text to a width in characters, and marks that with an ellipsis. */
export function fit(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}

/** The end of a path, which identifies it. */
export function fitPath(path: string, width: number): string {
  const characters = [...path];
  return characters.length <= width ? path : `…${characters.slice(1 - width).join("")}`;
}

/** Breaks a text into lines at its spaces. A word longer than a line is cut. */
export function wrap(text: string, width: number): string[] {
  const room = Math.max(width, 20);
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const space = rest.lastIndexOf(" ", room);
    const end = space > room / 2 ? space : room;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
