// Words of this room, in English and in Spanish.
import { teach } from "../words/language.js";

teach({
  en: {
    "compare.lead": "Two starts on common axes: another scheme, another seed, another framework’s stream, or the start and its repair.",
    "compare.pairs": "Pairs worth comparing",
    "compare.pair.repair": "This start and its repair",
    "compare.pair.schemes": "Glorot and He",
    "compare.pair.seeds": "Two seeds",
    "compare.pair.streams": "initserve and PyTorch",
    "compare.stream": "Drawn by",
    "compare.other": "as repaired",
    "compare.repaired": "The repair",
    "compare.difference":
      "At the end the signal has a size of {a} in A and {b} in B; of the gradient {back} comes back to the first layer in A, and {other} in B.",
    "compare.same": "Both start with the very same numbers.",
    "compare.others": "Their numbers are not the same.",
    "compare.a": "First start",
    "compare.b": "Second start",
    "compare.stack": "as in your network",
    "compare.histograms": "The two of a pair share their horizontal axis; each is as high as its own peak.",
  },
  es: {
    "compare.lead": "Dos inicios con los mismos ejes: otro esquema, otra semilla, los números de otro framework, o el inicio y su arreglo.",
    "compare.pairs": "Parejas que vale la pena comparar",
    "compare.pair.repair": "Este inicio y su arreglo",
    "compare.pair.schemes": "Glorot y He",
    "compare.pair.seeds": "Dos semillas",
    "compare.pair.streams": "initserve y PyTorch",
    "compare.stream": "Números de",
    "compare.other": "como en el arreglo",
    "compare.repaired": "El arreglo",
    "compare.difference":
      "Al final la señal tiene un tamaño de {a} en A y de {b} en B; del gradiente vuelve {back} a la primera capa en A, y {other} en B.",
    "compare.same": "Los dos empiezan con exactamente los mismos números.",
    "compare.others": "Sus números no son los mismos.",
    "compare.a": "Primer inicio",
    "compare.b": "Segundo inicio",
    "compare.stack": "como en la red",
    "compare.histograms": "Las dos de una pareja comparten el eje horizontal; cada una es tan alta como su propio máximo.",
  },
});
