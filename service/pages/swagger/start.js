// Shows the service's own OpenAPI document, in the reader's theme; nothing is asked of any other machine.
const DARK = matchMedia("(prefers-color-scheme: dark)");
const LONGEST = 40; // letters of a type's name: a layer is one of thirty kinds of object

function remembered(name) {
  try {
    return localStorage.getItem(`initserve-${name}`);
  } catch {
    return null; // storage is forbidden: as the system has it
  }
}

function colour() {
  const theme = remembered("theme");
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

// A button that has a link within it is two things at once; the address still follows what is opened.
const PlainLinks = ({ React }) => ({
  wrapComponents: { DeepLink: () => ({ text }) => React.createElement("span", null, text) },
});

// The way back is in the reader's language, and leads to what was left: a network stands in the address.
function lead() {
  if ((remembered("language") ?? navigator.language).startsWith("es"))
    for (const link of document.querySelectorAll("[data-es]")) {
      link.textContent = link.dataset.es;
      link.lang = "es";
    }
  const home = new URL("../", location.href).pathname;
  const { origin, pathname } = document.referrer ? new URL(document.referrer) : {};
  if (origin !== location.origin || pathname !== home || history.length < 2) return;
  const steps = history.length;
  document.getElementById("back").addEventListener("click", (event) => {
    event.preventDefault();
    history.go(steps - history.length - 1); // also past what was opened here
  });
}

colour();
DARK.addEventListener("change", colour);
addEventListener("storage", colour); // chosen in another tab
lead();

// Swagger UI would fetch every file of an example, and show its bytes as text: its own words lead to it instead.
function leadToFiles(response) {
  if (response.url.endsWith("/openapi.json"))
    response.text = response.text.replaceAll(/","x-address":"([^"]*)"/g, ': [the file](../$1)"');
  return response;
}

// Nor is a text made up for it.
const Files = ({ fn }) => {
  const { getSampleSchema } = fn;
  return {
    fn: {
      getSampleSchema: (schema, type, config, example) =>
        example === undefined && (schema?.format ?? schema?.get?.("format")) === "binary"
          ? "(a file)"
          : getSampleSchema(schema, type, config, example),
    },
  };
};

window.ui = SwaggerUIBundle({
  responseInterceptor: leadToFiles,
  url: "../openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0, // the schemas stand folded at the end
  // The answer is mostly base64: colouring it would freeze the page.
  syntaxHighlight: { activated: false },
  validatorUrl: null,
  plugins: [ReadableTypes, PlainLinks, Files],
});
