// The page's fonts as rules that hold them: for a picture that leaves the page.
const held = new Map();

// Rules of all faces of the families that a list of fonts begins with, their files inside.
export async function fontsOf(families) {
  const named = families.split(",").map((family) => family.trim().replaceAll(/["']/g, ""));
  const faces = [...document.styleSheets].flatMap((sheet) => facesOf(sheet, named));
  return (await Promise.all(faces)).join("\n");
}

function facesOf(sheet, named) {
  return [...sheet.cssRules]
    .filter((rule) => rule instanceof CSSFontFaceRule && named.includes(rule.style.getPropertyValue("font-family").replaceAll(/["']/g, "")))
    .map(async ({ style }) => {
      const [, address] = /url\("?([^")]+)"?\)/.exec(style.getPropertyValue("src"));
      const url = new URL(address, sheet.href ?? document.baseURI).href;
      const said = ["font-family", "font-weight", "font-style", "unicode-range"].map((name) => [name, style.getPropertyValue(name)]);
      const rest = said.filter(([, value]) => value).map(([name, value]) => `${name}: ${value};`);
      return `@font-face { ${rest.join(" ")} src: url("${await data(url)}") format("woff2"); }`;
    });
}

function data(url) {
  if (!held.has(url)) held.set(url, fetch(url).then((answer) => answer.arrayBuffer()).then((bytes) => `data:font/woff2;base64,${base64(bytes)}`));
  return held.get(url);
}

const base64 = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
