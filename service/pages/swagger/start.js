// Shows the service's own OpenAPI document; nothing is asked of any other machine.
window.ui = SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  // The answer is mostly base64: colouring it would freeze the page.
  syntaxHighlight: { activated: false },
  validatorUrl: null,
});
