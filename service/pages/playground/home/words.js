// Words of this room, in English and in Spanish.
import { teach } from "../words/language.js";

teach({
  en: {
    "home.claim": "The same initial weights, everywhere.",
    "home.second": "And before you train: does your network start well?",
    "home.lead":
      "Name your layers: this service gives the numbers that they start with, bit for bit the same in every language and on every machine.",
    "home.start": "A network that starts badly",
    "home.start.well": "A network that starts well",
    "home.start.note": "20 layers of 100 ReLU neurons; every weight is drawn from a normal distribution",
    "home.repair": "Its repair: He",
    "home.repair.note": "The same network, σ = √(2 / 100) = 0.141 in every layer",
    "home.repair.told":
      "The signal arrives as large as it set out, and the gradient comes all the way back: every layer can learn.",
    "home.signal": "signal →",
    "home.gradient": "← gradient",
    "home.fades":
      "One part in {left} of the signal is left after {layers} layers, and as little comes back: nothing can be learnt.",
    "home.explodes":
      "After {layers} layers the signal is {times} too large, and so is what comes back: every step throws the network off.",
    "home.arrives":
      "After {layers} layers the signal is {times} as large as it set out, and the gradient comes back: every layer can learn.",
    "home.stddev": "Move σ, the scale of the first network’s weights",
    "home.still": "Stop the motion",
    "home.moving": "Let it move",
    "home.open": "Open the first network",
    "home.lessons": "Learn why, in eight steps",
    "home.build": "Try your own network",
    "home.compare": "Compare these two",
    "home.returns": "What the service returns: arrays, files, links",
    "home.arrays": "Arrays",
    "home.arrays.text":
      "POST a description to /init: every array as a .npy in base64, with its scheme, the reason for it, statistics and a digest.",
    "home.files": "Files",
    "home.files.text":
      "The same as safetensors, npz or npy, in the layout of Keras, PyTorch, Flax and others; any range of them, any shard.",
    "home.links": "Links",
    "home.links.text":
      "An address that holds the whole description: whoever opens it, whenever, on any copy of this service, gets the same bytes.",
    "home.proof": "The first weights of this network, drawn by your browser just now",
    "home.proof.same": "The service gives the same bytes: sha256 {digest}",
    "home.proof.unasked": "The service was not reached; its digest would be {digest}",
    "home.proof.other": "The service gives other bytes: please tell whoever runs it",
  },
  es: {
    "home.claim": "Los mismos pesos iniciales, en todas partes.",
    "home.second": "Y antes de entrenar: ¿empieza bien tu red?",
    "home.lead":
      "Di qué capas tienes: este servicio da los números con que empiezan, idénticos bit a bit en cualquier lenguaje y en cualquier máquina.",
    "home.start": "Una red que empieza mal",
    "home.start.well": "Una red que empieza bien",
    "home.start.note": "20 capas de 100 neuronas ReLU; cada peso se toma de una distribución normal",
    "home.repair": "Su arreglo: He",
    "home.repair.note": "La misma red, σ = √(2 / 100) = 0,141 en cada capa",
    "home.repair.told":
      "La señal llega tan grande como salió, y el gradiente vuelve hasta el principio: todas las capas pueden aprender.",
    "home.signal": "señal →",
    "home.gradient": "← gradiente",
    "home.fades":
      "De la señal queda una parte en {left} tras {layers} capas, y vuelve igual de poco: no se puede aprender nada.",
    "home.explodes":
      "Tras {layers} capas la señal es {times} más grande de lo debido, y también lo que vuelve: cada paso descarrila la red.",
    "home.arrives":
      "Tras {layers} capas la señal es {times} tan grande como salió, y el gradiente vuelve: todas las capas pueden aprender.",
    "home.stddev": "Mueve σ, la escala de los pesos de la primera red",
    "home.still": "Detener el movimiento",
    "home.moving": "Poner en movimiento",
    "home.open": "Abrir la primera red",
    "home.lessons": "Aprende por qué, en ocho pasos",
    "home.build": "Prueba tu propia red",
    "home.compare": "Comparar las dos",
    "home.returns": "Lo que devuelve el servicio: arrays, archivos, enlaces",
    "home.arrays": "Arrays",
    "home.arrays.text":
      "Envía una descripción a /init con POST: cada array como .npy en base64, con su esquema, el motivo, estadísticas y una huella.",
    "home.files": "Archivos",
    "home.files.text":
      "Lo mismo como safetensors, npz o npy, con la disposición de Keras, PyTorch, Flax y otros; cualquier intervalo, cualquier fragmento.",
    "home.links": "Enlaces",
    "home.links.text":
      "Una dirección que contiene toda la descripción: quien la abra, cuando sea, en cualquier copia de este servicio, obtiene los mismos bytes.",
    "home.proof": "Los primeros pesos de esta red, sorteados ahora mismo por tu navegador",
    "home.proof.same": "El servicio da los mismos bytes: sha256 {digest}",
    "home.proof.unasked": "No se pudo preguntar al servicio; su huella sería {digest}",
    "home.proof.other": "El servicio da otros bytes: avisa a quien lo mantiene",
  },
});
