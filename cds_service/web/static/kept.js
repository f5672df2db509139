// What a tab remembers. A browser may refuse, or have no room: then nothing is remembered.

/** Remember a text; whether there was room for it. */
export function keep(name, text) {
  try {
    sessionStorage.setItem(`workbench.${name}`, text);
    return true;
  } catch {
    return false;
  }
}

/** What was remembered under a name, empty when nothing was. */
export function recall(name) {
  try {
    return sessionStorage.getItem(`workbench.${name}`) ?? "";
  } catch {
    return "";
  }
}
