// The service's English sentences: a pattern for each, in Spanish, and in English where this page can say it plainer.
//
// To add one, add a row: what it looks like, the Spanish, and, where the service's own words speak of what this page
// does not have (a batch, an array), plainer English. `$1` stands for what the pattern caught, its numbers localised.
import { rowsOfFrameworks } from "./frameworks.js";
import { language } from "./language.js";
import { rewritten } from "./numbers.js";

const NUMBER_NEEDED = "aquí hace falta un número";
const SEEDS = ["una semilla es un entero de 0 a 18446744073709551615", "a seed is a whole number from 0 to 18446744073709551615"];
const NAMES = [
  "un nombre tiene letras, dígitos, «_», «-» o «.», y al menos uno de ellos",
  "a name has letters, digits, “_”, “-” or “.”, and at least one of them",
];

const ROWS = [
  // What a field takes
  [/^this field is required(?:: .*)?$/, "falta este campo"],
  [/^there is no such field here$/, "aquí no existe ese campo"],
  [/^this is not written as it must be: Unique in the spec.*$/, ...NAMES],
  [/^this is not written as it must be(?:: .*)?$/, "esto no está escrito como debe", "this is not written as it must be"],
  [/^an integer is needed here, not .*$/, "aquí hace falta un número entero", "a whole number is needed here"],
  [/^a number is needed here, not .*$/, NUMBER_NEEDED, "a number is needed here"],
  [/^a finite number is needed here.*$/, NUMBER_NEEDED, "a number is needed here"],
  [/^a string is needed here, not .*$/, "aquí hace falta un texto", "text is needed here"],
  [/^true or false is needed here, not .*$/, "aquí hace falta sí o no", "yes or no is needed here"],
  [/^an? (?:object|array) is needed here, not .*$/, "esto no tiene la forma que debe", "this does not have the form it must have"],
  [/^this number is too large$/, "este número es demasiado grande"],
  [/^this must be (\S+?)(?:\.0)? or more(?:, not .*)?$/, "debe ser $1 o más", "this must be $1 or more"],
  [/^this must be more than (\S+?)(?:\.0)?(?:, not .*)?$/, "debe ser mayor que $1", "this must be more than $1"],
  [/^this must be (\S+?)(?:\.0)? or less(?:, not .*)?$/, "debe ser $1 o menos", "this must be $1 or less"],
  [/^this must be less than (\S+?)(?:\.0)?(?:, not .*)?$/, "debe ser menor que $1", "this must be less than $1"],
  [/^this takes (\d+) values or more, not (\d+)(?:: .*)?$/, "aquí hacen falta $1 valores o más, no $2"],
  [/^this takes (\d+) values at the most(?:: .*)?$/, "aquí caben $1 valores como máximo"],
  [/^this takes (\d+) characters or more(?:: .*)?$/, "aquí hacen falta $1 caracteres o más"],
  [/^this takes (\d+) characters at the most(?:: .*)?$/, "aquí caben $1 caracteres como máximo"],
  [/^this is one of (.+)$/, "debe ser uno de: $1"],
  [/^this is none of the known words$/, "no es ninguna de las palabras conocidas"],
  [/^(?:a seed is an integer|as a number, a seed is|a seed of \S+ is 0 or more).*$/, ...SEEDS],
  [/^(.+); did you mean (.+)\?$/, (_, what, meant) => `${spanish(what) ?? "esto no se conoce"}; ¿quizá ${meant}?`],
  [/^no layer type has this name(?:; GET .*)?$/, "ningún tipo de capa se llama así", "no type of layer has this name"],
  [/^a layer is an object with a type.*$/, "a la capa le falta su tipo"],
  [/^no activation has this name(?:; GET .*)?$/, "ninguna activación se llama así", "no activation has this name"],
  [/^a size of 0 makes an array without values: .*$/, "con un tamaño de 0 no hay valores: quita la capa, o ponlo en 1 o más", "a size of 0 leaves no values: remove the layer, or make it 1 or more"],
  [/^no scheme has this name(?:; GET .*)?$/, "ningún esquema se llama así", "no scheme has this name"],
  [/^a scheme is a name, or an object with .*$/, "un esquema es un nombre, o un nombre con sus parámetros"],
  [/^two layers are called '(.*)'; every layer needs a name of its own$/, "dos capas se llaman «$1»; cada capa necesita un nombre propio"],
  [/^an array would be called '(.*)': layer (.*) has one too$/, "un arreglo se llamaría «$1», y la capa $2 ya tiene uno así"],
  [/^an array would be called '(.*)': .*$/, "un arreglo se llamaría «$1», y ese nombre no está libre"],
  [/^(.+) must be in order, not (\S+) and (\S+)$/, "$1 deben ir en orden, no $2 y $3"],
  [/^one of the bounds must be within (\S+) standard deviations of the mean$/, "uno de los límites debe estar a menos de $1 desviaciones típicas de la media"],
  [/^with stddev 0 the mean must lie within the bounds$/, "con stddev 0 la media debe estar entre los límites"],
  [/^gain must be (\S+) or more$/, "la ganancia debe ser $1 o más"],
  [/^heads must divide dim, (\d+)$/, "las cabezas deben dividir la dimensión, $1"],
  [/^groups must divide both channel counts, (\d+) and (\d+)$/, "los grupos deben dividir las dos cuentas de canales, $1 y $2"],
  [/^(\w+) needs an? (.+), not the shape \[(.*)\](?: of (\S+))?$/, (_, scheme, __, shape, name) => `${scheme} no admite la forma [${shape}]${name ? ` de ${name}` : ""}`],
  [/^values up to (\S+) do not fit (\w+), whose largest is (\S+)$/, "valores de hasta $1 no caben en $2, cuyo máximo es $3"],

  [/^a forecast draws no numbers whose distribution could be told$/, "un pronóstico no sortea números cuya distribución se pueda mostrar"],
  [/^a training is watched as it goes: ask for .*$/, "un entrenamiento se observa mientras corre: pídelo como eventos", "a training is watched as it runs: ask for it as events"],
  [
    /^this answer has no links: .* more than (\S+) characters, and this service keeps no specs .*$/,
    "la dirección de esta red tendría más de $1 caracteres, y este servicio no guarda redes",
    "an address of this network would have more than $1 characters, and this service keeps no networks",
  ],
  [
    /^this answer has no links: .* more than (\S+) characters, and there is no room for it in the store .*$/,
    "la dirección de esta red tendría más de $1 caracteres, y aquí no queda sitio para guardarla",
    "an address of this network would have more than $1 characters, and there is no room left here to keep it",
  ],
  [
    /^this answer has no links: .* more than (\S+) characters, and this client may not have it kept .*$/,
    "la dirección de esta red tendría más de $1 caracteres, y guardarla aquí requiere una clave que lo permita",
    "an address of this network would have more than $1 characters, and to keep it here takes a key that opens that",
  ],

  [
    /^links of (\S+) parameters would be too long to list them: .*$/,
    "los enlaces de $1 parámetros serían demasiado largos: los archivos enteros sí los tienen",
    "links of $1 parameters would be too long to list; the whole files have theirs",
  ],

  // What is too large
  [
    /^this spec takes (\S+) elements; at most (\S+) are allowed .*$/,
    "toda la red tiene $1 números; aquí se hacen como máximo $2: con capas más pequeñas, o menos, se puede",
    "the whole network has $1 numbers; at most $2 are made here: smaller layers, or fewer, will do",
  ],
  [
    /^this spec takes (.+) bytes of weights; at most (\S+) are allowed .*$/,
    "los pesos de toda la red ocupan $1 bytes; aquí se permiten como máximo $2",
    "the weights of the whole network take $1 bytes; at most $2 are allowed here",
  ],
  [
    /^this spec takes (.+?) (?:operations|bytes|layers).*; at most (\S+) are allowed .*$/,
    "toda la red cuesta $1; aquí se permite como máximo $2: con capas más pequeñas, o menos, se puede",
    "the whole network costs $1; at most $2 is allowed here: smaller layers, or fewer, will do",
  ],
  [
    /^its matrices take (\S+) operations before their first number$/,
    "sus matrices cuestan $1 operaciones antes del primer número: con capas más pequeñas se puede",
    "its matrices take $1 operations before their first number: smaller layers will do",
  ],
  [
    /^running up to here takes (\S+) multiplications; at most (\S+) are allowed.*$/,
    "llegar hasta aquí cuesta $1 multiplicaciones; se permiten como máximo $2: con capas más pequeñas, o menos, se puede",
    "running up to here takes $1 multiplications; at most $2 are allowed: smaller layers, or fewer, will do",
  ],
  [
    /^running up to here takes (\S+) values kept for the way back; at most (\S+) are allowed.*$/,
    "llegar hasta aquí guarda $1 números para la vuelta; se permiten como máximo $2: con capas más pequeñas, o menos, se puede",
    "running up to here keeps $1 numbers for the way back; at most $2 are allowed: smaller layers, or fewer, will do",
  ],
  [
    /^running up to here takes (.+); at most (.+) are allowed.*$/,
    "llegar hasta aquí cuesta demasiada memoria ($1): con capas más pequeñas, o menos, se puede",
    "running up to here takes $1; at most $2 are allowed: smaller layers, or fewer, will do",
  ],
  [/^the spec has more than (\S+) parameters$/, "la red tiene más de $1 parámetros"],
  [/^(\S+) has more elements than 64 bits can count.*$/, "$1 tiene más elementos de los que se pueden contar", "$1 has more numbers than can be counted"],

  // What cannot be run
  [/^an embedding takes tokens, so it is the first layer$/, "un embedding lee palabras, así que es la primera capa"],
  [/^a cell cannot have (\w+) inside$/, "una celda no puede llevar $1 dentro"],
  [/^a layer of type (\w+) has no rule to run by here.*$/, "una capa de tipo $1 no se puede diagnosticar aquí", "a layer of type $1 cannot be diagnosed here"],
  [/^a layer with (\w+) has no rule to run by here$/, "una capa con $1 no se puede diagnosticar aquí", "a layer with $1 cannot be diagnosed here"],

  // How layers are joined
  [
    /^(\S+) \((\w+)\) takes (.+), and (.+) comes? in(?:; .*)?$/,
    (_, name, type, needed, came) => `${name} (${type}) recibe ${neededOf(needed)}, y le ${came.includes(" and ") ? "llegan" : "llega"} ${cameOf(came)}`,
  ],
  [/^no earlier layer is called '(.*)'(?:; the network's inputs are (.*))?$/, (_, name, inputs) => `ninguna capa anterior se llama «${name}»${inputs ? `; las entradas de la red son ${inputs}` : ""}`],
  [/^(\S+) comes later: .*$/, "$1 viene después: una capa recibe lo que dan las anteriores"],
  [/^(\S+) is no split, so that it has no parts: say .*$/, "$1 no es un split, así que no tiene partes: escribe $1"],
  [/^(\S+) is a split of (\d+) parts: say which, from (\S+) to (\S+)$/, "$1 es un split de $2 partes: di cuál, de $3 a $4"],
  [/^the layer before is a split: say which part, as (\S+)$/, "la capa anterior es un split: di qué parte recibe, como $1"],
  [/^no layer takes what (\S+) gives, and the network's output is what (\S+), the last, gives$/, "ninguna capa recibe lo que da $1, y la salida de la red es lo que da la última, $2"],
  [/^no layer takes `?input`?: nothing goes through this network$/, "ninguna capa recibe «input»: por esta red no pasa nada", "no layer takes “input”: nothing goes through this network"],
  [/^(\S+) has no weights to be tied to$/, "$1 no tiene pesos a los que atarse"],
  [/^(\S+) would give (.+): too much to run$/, "$1 daría $2: demasiado para ejecutarlo"],
  [/^a layer of type (\w+) has no place in a network that runs here$/, "una capa de tipo $1 no cabe en una red que se ejecute aquí"],
  [/^(\S+) is known by its weights alone; these are known as networks: (.+)$/, "de $1 solo se conocen los pesos; se conocen como redes: $2"],
  [/^this takes the sizes of an example, .*$/, "aquí van los tamaños de un ejemplo, números enteros, como [32, 32, 3]; si hay varias entradas, por su nombre"],
  [/^say what goes in: input_shape$/, "di qué entra: la forma de una entrada", "say what goes in: the shape of an input"],
  [/^an embedding takes tokens: .*$/, "un embedding lee palabras: «input», o posiciones relativas"],
  [/^a network that is studied has at most (\S+) layers, not (\S+)$/, "aquí se estudian redes de $1 capas como máximo, no $2"],
  [/^a network is studied whole, not a part of it$/, "una red se estudia entera, no una parte"],
  [/^axis 0 is the batch: .*$/, "el eje 0 es el de los ejemplos: los ejes van desde 1, o desde -1 hacia atrás"],
  [/^sizes go from 1, and at most one is -1$/, "los tamaños van desde 1, y como máximo uno es -1"],
  [/^axes are the numbers from 1 to (\d+)$/, "los ejes son los números de 1 a $1"],
  [/^padding counts places: 0 or more$/, "el relleno cuenta posiciones: 0 o más"],
  [/^(\w+) must divide heads, (\d+)(?:, not be \d+)?$/, "$1 debe dividir las cabezas, $2"],
  [/^(\w+) has one number for all axes, or one for each of (\d+), not (\d+)$/, "$1 lleva un número para todos los ejes, o uno para cada uno de los $2, no $3"],

  [
    /^(\d+) steps cost as much as (\S+) multiplications; at most (\S+) are allowed: .*$/,
    "$1 pasos cuestan $2 multiplicaciones; se permiten como máximo $3: con menos pasos se puede",
    "$1 steps cost $2 multiplications; at most $3 are allowed: fewer steps will do",
  ],

  // What cannot be trained
  [/^training takes at most (\S+) parameters, not (\S+)$/, "aquí se entrenan como máximo $1 parámetros, no $2"],
  [/^training takes at most (\S+) outputs of layers, not (\S+)$/, "aquí se entrenan capas con $1 salidas como máximo entre todas, no $2"],
  [/^training takes at most (\S+) layers, not (\S+)$/, "aquí se entrenan como máximo $1 capas, no $2"],
  [
    /^these (\d+) runs (?:take|cost as much as) (\S+) multiplications; at most (\S+) are allowed: .*$/,
    "estas $1 ejecuciones cuestan $2 multiplicaciones; se permiten como máximo $3: con menos pasos, repeticiones o inicios se puede",
    "these $1 runs take $2 multiplications; at most $3 are allowed: fewer steps, restarts or starts will do",
  ],
  [/^the last layer's activation must be (.+) for (\w+).*$/, (_, names) => `la activación de la última capa debe ser ${names.replace(" or ", " o ")} en esta tarea`],
  [/^the last layer gives (.+) outputs, and the task (\w+) needs (\d+)$/, "la última capa da $1 salidas, y la tarea necesita $3"],
  [/^this layer takes (\d+) features, and (?:the task \w+|the layer before it) gives (\d+)$/, "esta capa lee $1 características, y le llegan $2"],
  [/^training takes at most (\S+) numbers kept on its way, not (\S+)$/, "entrenar guarda como máximo $1 números por el camino, no $2"],
  [/^(\w+) may only follow the last layer$/, "$1 solo puede ir detrás de la última capa"],
  [/^training takes at most (\S+) numbers kept on its way, not (\S+)$/, "aquí una pasada guarda como máximo $1 números, no $2"],
  [/^an example of the task has (\d+) numbers, and the network takes (\d+)$/, "un ejemplo de la tarea tiene $1 números, y la red toma $2"],
  [/^a task has one input, and the network takes (.+)$/, "una tarea tiene una sola entrada, y la red toma $1"],
  [/^a task gives numbers, and an embedding takes tokens$/, "una tarea da números, y un embedding toma tokens"],

  // What came of blocks, and of first steps
  [/^over (\d+) blocks the stream goes from rms (\S+) to (\S+): each adds (\S+) times the mean square of what came in$/, "en $1 bloques el flujo va de un rms de $2 a $3: cada uno añade $4 veces el cuadrado medio de lo que entró"],
  [/^over (\d+) blocks the stream goes from rms (\S+) to (\S+): each multiplies its mean square by (\S+)$/, "en $1 bloques el flujo va de un rms de $2 a $3: cada uno multiplica su cuadrado medio por $4"],
  [/^over (\d+) blocks the stream goes from rms (\S+) to (\S+): it is (steady|shrinking)$/, (_, blocks, from, to, how) => `en ${blocks} bloques el flujo va de un rms de ${from} a ${to}: ${how === "steady" ? "se mantiene" : "mengua"}`],
  [/^over (\d+) blocks the stream, of rms (\S+) at first, overflows$/, "en $1 bloques el flujo, de un rms de $2 al principio, se desborda"],
  [/^after (\d+) steps? the outputs have changed by (\S+) of what would count as much: the loss is (\S+), and stays there$/, "tras $1 pasos las salidas han cambiado $2 de lo que sería mucho: la pérdida es $3, y ahí se queda"],
  [
    /^the loss goes from (\S+) to (\S+?)(?:, by way of (\S+) after (\d+) steps?,)? in (\d+) steps?, and no layer's outputs grow out of hand$/,
    (_, from, to, top, at, steps) => `la pérdida va de ${from} a ${to}${top ? `, pasando por ${top} en el paso ${at},` : ""} en ${steps} pasos, y las salidas de ninguna capa se disparan`,
  ],
  [/^numbers overflow before the first step: a loss (?:of (\S+)|beyond all numbers)$/, (_, loss) => `los números se desbordan antes del primer paso: una pérdida ${loss ? `de ${loss}` : "más allá de todo número"}`],
  [
    /^a loss (?:of (\S+)|beyond all numbers) after (\d+) steps?, from ([^;\s]+)(?:; outputs of (\S+) are (?:(\S+) times|beyond all numbers, beside) those at the start)?$/,
    (_, loss, steps, from, layer, times) =>
      `una pérdida ${loss ? `de ${loss}` : "más allá de todo número"} en el paso ${steps}, desde ${from}${layer ? `; las salidas de ${layer} son ${times ? `${times} veces` : "incomparablemente mayores que"} las del inicio` : ""}`,
  ],

  // What came of sizes
  [/^Across (widths|depths) (\S+) to (\S+) \((.+?)\), (.+)$/s, (_, by, from, to, how, came) => `Con ${by === "widths" ? "anchos" : "profundidades"} de ${from} a ${to} (${takenAs(how)}), ${part(ACROSS, came)}`],
  [/^a family goes across widths or across depths: .*$/, "di anchos o profundidades, unos u otras"],
  [/^each (width|depth) is larger than the one before$/, (_, by) => `cada ${by === "width" ? "ancho" : "profundidad"} es mayor que ${by === "width" ? "el anterior" : "la anterior"}`],
  [/^the family costs as much as (\S+) multiplications; at most (\S+) are allowed: .*$/, "todos los tamaños juntos cuestan $1 multiplicaciones; se permiten como máximo $2: con menos tamaños, o más pequeños, se puede", "all sizes together cost $1 multiplications; at most $2 are allowed: fewer or smaller ones will do"],
  [/^of this family a member is too large: (.+)$/, (_, why) => `uno de estos tamaños es demasiado grande: ${part(ROWS, why)}`],
  [
    /^in the (width|depth) (\S+) the network cannot be: (.+?)(?:; multiples of (\S+) divide all sizes)?$/,
    (_, by, size, why, step) =>
      `con ${by === "width" ? "el ancho" : "la profundidad"} ${size} la red no puede ser: ${part(ROWS, why)}${step ? `; los múltiplos de ${step} dividen todos los tamaños` : ""}`,
  ],
  [/^in the depth (\S+) the network has (\S+) layers; one that is studied has at most (\S+)$/, "con la profundidad $1 la red tiene $2 capas; aquí se estudian redes de $3 como máximo"],
  [/^no size here is hidden: .*$/, "aquí ningún ancho es interior: dado por una capa y recibido por otra, sin ser entrada ni salida de la red; una red de dos capas con pesos tiene uno"],
  [/^nothing here repeats: .*$/, "aquí nada se repite: la profundidad es cuántas veces una parte de las capas se sigue a sí misma, o una sola capa con pesos que da tantas características como recibe, como una densa de [64, 64] entre otras dos"],

  // What came of a training
  [
    /^([\d.]+)% of the answers are right, where a constant one has (\d+)%; from (\d+)% on it is learnt(.*)$/,
    (_, right, constant, enough, more) =>
      `acierta el ${right} %, y una respuesta constante el ${constant} %; desde el ${enough} % está aprendido${more ? ": puede bastar con más pasos, otra tasa de aprendizaje u otro inicio" : ""}`,
  ],
  [
    /^the squared error is (\S+)% of a constant answer's; at most 10% is learnt(.*)$/,
    (_, share, more) =>
      `el error cuadrático es el ${share} % del de una respuesta constante; hasta el 10 % está aprendido${more ? ": puede bastar con más pasos, otra tasa de aprendizaje u otro inicio" : ""}`,
  ],
  [/^the (loss|gradient) overflowed at (?:step (\d+)|the last step)$/, (_, what, step) => `${what === "loss" ? "la pérdida" : "el gradiente"} se desbordó en el ${step === undefined ? "último paso" : `paso ${step}`}`],
  [/^every neuron of (\S+) stayed the same, .*$/, "todas las neuronas de $1 siguieron iguales, así que entre todas valen por una"],
  [/^every neuron of (\S+) is dead: .*$/, "todas las neuronas de $1 están muertas: dan 0 con cada ejemplo, y ningún gradiente vuelve por ellas"],
  [
    /^the loss ended at (\S+), where a constant answer has (\S+): gradients of (\S+) made every step a jump elsewhere$/,
    "la pérdida acabó en $1, y la de una respuesta constante es $2: gradientes de $3 hicieron de cada paso un salto a otra parte",
  ],
  [
    /^the loss (stayed at that of a constant answer|ended at (\S+)): gradients of (\S+) in (\S+) changed nothing there(; the rest.*)?$/,
    (_, how, end, gradient, layer, rest) =>
      `la pérdida ${end ? `acabó en ${end}` : "se quedó en la de una respuesta constante"}: gradientes de ${gradient} en ${layer} no cambiaron nada allí${rest ? "; el resto del gradiente está en capas posteriores" : ""}`,
  ],

  // What is worth knowing
  [/^all weights start at 0: .*$/, "todos los pesos empiezan en 0: las salidas son 0, y ninguna derivada vuelve por esta capa antes de que un paso la mueva; con dos capas así seguidas, o una relu detrás, no se aprende nada"],
  [/^all weights start at (\S+): .*$/, "todos los pesos empiezan en $1: cada neurona calcula lo mismo, y cambia igual allí donde también son iguales los pesos de la capa siguiente"],
  [/^(\w+) is not made for (\w+); (\w+) is for (.*)$/, "$1 no está hecho para $2; $3 es para $4"],
  [/^(\w+) is not made for (\w+); (.*)$/, "$1 no está hecho para $2 ($3)"],
  [
    /^the variance of this layer's outputs is (\S+) times (larger|smaller) than keeps magnitudes stable$/,
    (_, times, way) => `la varianza de sus salidas es ${times} veces ${way === "larger" ? "mayor" : "menor"} de lo que conservaría su magnitud de capa en capa`,
    "the variance of its outputs is $1 times $2 than would keep their size from layer to layer",
  ],
  [/^the same values as at (\S+): nothing tells the two apart$/, "los mismos valores que en $1: nada los distingue"],
];

// What became of sizes and of what the first step changes.
const ACROSS = [
  [/^what the first step changes grows in no layer, exponents from (\S+) to ([^:]+): .*$/, "lo que cambia el primer paso no crece en ninguna capa (exponentes de $1 a $2): una misma tasa sirve para todos"],
  [/^the first step changes less and less, down to an exponent of (\S+)$/, "el primer paso cambia cada vez menos, hasta un exponente de $1"],
  [/^outputs grow, in (\S+) with an exponent of (\S+)$/, "las salidas crecen, en $1 con un exponente de $2"],
  [/^outputs grow beyond all numbers$/, "las salidas crecen más allá de todo número"],
  [/^what the first step changes grows, in (\S+) with an exponent of (\S+), (\S+) times in all: .*$/, "lo que cambia el primer paso crece, en $1 con un exponente de $2, $3 veces en total: la tasa que sirve al más pequeño es demasiado alta para el más grande"],
  [/^the first step changes nothing that could be compared$/, "el primer paso no cambia nada que se pueda comparar"],
];
const takenAs = (how) => how.replace(/^(\w+) at a rate of (\S+?)(, .*)?$/, (_, optimizer, rate, scaled) => `${optimizer}, tasa ${rate}${scaled ? ", según µP" : ""}`);

// What a layer of a network takes, in words that follow "takes".
const NEEDED = [
  [/^one input$/, "una sola entrada"],
  [/^one input or more$/, "una entrada o más"],
  [/^two inputs or more$/, "dos entradas o más"],
  [/^inputs of one shape, but for sizes of 1$/, "entradas de una misma forma, salvo tamaños de 1"],
  [/^inputs that differ along axis (\S+) alone$/, "entradas que solo difieren en el eje $1"],
  [/^more axes: it works along axis (\S+)$/, "más ejes: trabaja a lo largo del eje $1"],
  [/^as many numbers as (.+) have$/, "tantos números como hay en $1"],
  [/^(\d+) axes$/, "$1 ejes"],
  [/^(\d+) features$/, "$1 características"],
  [/^places along (.+) axes, with features$/, (_, count) => `posiciones en ${count === "one to three" ? "uno a tres" : count} ejes, con características`],
  [/^([a-z, ]+) with (\d+) channels$/, (_, axes, count) => `${axesOf(axes)}, con ${count} canales`],
  [/^steps of (\d+) features(, or queries.*)?$/, (_, count, or) => `pasos de ${count} características${or ? ", o consultas y aquello de lo que salen claves y valores" : ""}`],
  [/^(.+) as the last of an example's axes$/, "$1 como últimos ejes de un ejemplo"],
  [/^nothing: .*$/, "nada: es un arreglo que reciben otras"],
  [/^(\d+) along axis (\S+)$/, "$1 a lo largo del eje $2"],
  [/^queries, keys and values, .*$/, "consultas, claves y valores, cada una de pasos con características, y un sesgo si lo hay"],
  [/^queries of (\d+) heads, and as many keys as values, of (\d+) heads as wide$/, "consultas de $1 cabezas, y tantas claves como valores, de $2 cabezas igual de anchas"],
  [/^a bias of (.+)$/, "un sesgo de $1"],
  [/^queries and keys, whose steps are counted$/, "consultas y claves, cuyos pasos se cuentan"],
  [/^steps of features for (\d+) heads, an even number each$/, "pasos de características para $1 cabezas, un número par cada una"],
  [/^the transpose of .*$/, "la traspuesta de la matriz de una capa densa o de un embedding"],
  [/^at least (\d+) places along each axis, .*$/, "al menos $1 posiciones en cada eje, tantas como su ventana"],
  [/^more places: .*$/, "más posiciones: su relleno las recorta todas"],
];
const neededOf = (words) => part(NEEDED, words);
const cameOf = (words) => words.replaceAll(" and ", " y ").replaceAll("nothing", "nada").replaceAll("one number", "un número");

const AXES = {
  length: "longitud",
  height: "alto",
  width: "ancho",
  depth: "profundidad",
  channels: "canales",
  steps: "pasos",
  features: "características",
};
const axesOf = (words) =>
  words
    .split(", ")
    .map((word) => AXES[word] ?? word)
    .join(", ");

const fill = (template, caught) => template.replaceAll(/\$(\d)/g, (_, place) => caught[place] ?? "");

function found(rows, text, written = rewritten) {
  for (const [pattern, said] of rows) {
    const caught = pattern.exec(text)?.map(written);
    if (caught) return typeof said === "function" ? said(...caught) : fill(said, caught);
  }
  return null;
}

const spanish = (text) => found(ROWS, text) ?? found(OF_FRAMEWORKS, text, (caught) => caught);
const OF_FRAMEWORKS = rowsOfFrameworks((text) => spanish(text));

// A part of a sentence, whose numbers are written already.
const part = (rows, text) => found(rows, text, (caught) => caught) ?? text;

function plainer(text) {
  for (const [pattern, , said] of ROWS) {
    const caught = pattern.exec(text)?.map(rewritten);
    if (caught) return said ? fill(said, caught) : rewritten(text);
  }
  return rewritten(text);
}

// A sentence in the page's language, or null where this page has no words for it in that language.
export const sentence = (text) => (language() === "es" ? spanish(text) : plainer(text));
