// Words of this room, in English and in Spanish.
import { teach } from "../words/language.js";

teach({
  en: {
    "compare.lead": "One stack, two starts, common axes. Choose a scheme or another seed for each side.",
    "compare.a": "First start",
    "compare.b": "Second start",
    "compare.stack": "as in the stack",
    "compare.histograms": "Twins share their horizontal axis; each is as high as its own peak.",
  },
  es: {
    "compare.lead": "Una red, dos inicios, los mismos ejes. Elige un esquema u otra semilla para cada lado.",
    "compare.a": "Primer inicio",
    "compare.b": "Segundo inicio",
    "compare.stack": "como en la red",
    "compare.histograms": "Cada pareja comparte el eje horizontal; la altura es la de su propio máximo.",
  },
});
