// Folders of pictures, one a class, whichever way they come in.

/** Of files that were chosen with their folders: class -> files, and the name of the folder of them all, if any. */
export function ofChosen(files) {
  const paths = [...files].map((file) => file.webkitRelativePath.split("/"));
  return [sorted([...files].map((file, at) => [paths[at].at(-2), file])), paths[0]?.length > 2 ? paths[0][0] : ""];
}

/** The same of what was dropped, a DataTransfer. */
export async function ofDropped({ items }) {
  // Entries must be taken before the first wait: after it, there is nothing in the transfer any more.
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const classes = sorted((await Promise.all(entries.map((entry) => within(entry)))).flat());
  return [classes, entries.length === 1 && !classes.has(entries[0].name) ? entries[0].name : ""];
}

async function within(entry, folder) {
  if (entry.isFile) return [[folder, await new Promise((resolve, reject) => entry.file(resolve, reject))]];
  const reader = entry.createReader();
  const found = [];
  // A hundred are read at a time.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return (await Promise.all(found.map((inner) => within(inner, entry.name)))).flat();
    found.push(...some);
  }
}

function sorted(pairs) {
  const classes = new Map();
  for (const [folder, file] of pairs) {
    if (folder && file.type.startsWith("image/")) classes.set(folder, [...(classes.get(folder) ?? []), file]);
  }
  return new Map([...classes].sort(([one], [other]) => one.localeCompare(other, undefined, { numeric: true })));
}
