// Shows the service's own OpenAPI document, in the reader's theme; nothing is asked of any other machine.
const DARK = matchMedia("(prefers-color-scheme: dark)");
const LONGEST = 40; // letters of a type's name: a layer is one of thirty kinds of object

function remembered() {
  try {
    return localStorage.getItem("initserve-theme");
  } catch {
    return null; // storage is forbidden: as the system has it
  }
}

function colour() {
  const theme = remembered();
  document.documentElement.classList.toggle("dark-mode", theme ? theme === "dark" : DARK.matches);
}

// `(object | object | string)` is said as `object | string`: which objects, the schema beneath says by name.
function readable(type) {
  if (type.length <= LONGEST) return type;
  const short = type.replaceAll(/\(([^()]*)\)/g, (_, kinds) => [...new Set(kinds.split(" | "))].join(" | "));
  return short === type ? short : readable(short);
}

const ReadableTypes = ({ React }) => ({
  wrapComponents: {
    JSONSchema202012KeywordType: (Original, { fn }) => (properties) => {
      const type = fn.jsonSchema202012.getType(properties.schema);
      const short = readable(type);
      if (short === type) return React.createElement(Original, properties);
      const look = "json-schema-2020-12__attribute json-schema-2020-12__attribute--primary";
      return React.createElement("strong", { className: look }, short);
    },
  },
});

colour();
DARK.addEventListener("change", colour);

window.ui = SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0, // the schemas stand folded at the end
  // The answer is mostly base64: colouring it would freeze the page.
  syntaxHighlight: { activated: false },
  validatorUrl: null,
  plugins: [ReadableTypes],
});
