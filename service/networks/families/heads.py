"""Heads: what the transformers library puts on a base model, where families have it alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from service.networks.families.family import Head
from service.networks.families.settings import Settings
from service.networks.families.tree import Initialise, Module, linear, model
from service.networks.families.wiring import Network, Wiring


def labels(settings: Settings) -> int:
    """Return how many classes a config speaks of: its labels, or their number; two where it says neither."""
    named = settings.stated("id2label")
    if isinstance(named, Mapping) and named:
        return len(named)
    return settings.size("num_labels") if "num_labels" in settings else 2


@dataclass(frozen=True, slots=True)
class Base:
    """A base model of text, and what a head must know of it.

    `name` is what a model with a head calls it, `table` the way in it to its table of words, and `width` how wide its
    states are: what a config calls it, or how it comes of one.
    """

    name: str
    tree: Callable[[Settings], Module]
    initialisation: Callable[[Settings], Initialise]
    table: str = "embed_tokens"
    width: str | Callable[[Settings], int] = "hidden_size"

    def features(self, c: Settings) -> int:
        return c.size(self.width) if isinstance(self.width, str) else self.width(c)

    def under(self, c: Settings, *heads: Module | None, ties: Mapping[str, str] | None = None) -> Module:
        """Return the base model with modules after it."""
        base = replace(self.tree(c), name=self.name)
        return model("", self.initialisation(c), base, *heads, ties=ties or {})

    def headed(self, c: Settings, name: str, outputs: int, bias: bool = True) -> Module:
        """Return the base model with one dense layer after it."""
        return self.under(c, linear(name, self.features(c), outputs, bias))

    def causal_lm(self, c: Settings) -> Module:
        """Return it with a projection back to words, which is their table where the two are tied."""
        head = linear("lm_head", self.features(c), c.size("vocab_size"), bias=False)
        tied = {"lm_head.weight": f"{self.name}.{self.table}.weight"}
        return self.under(c, head, ties=tied if c.flag("tie_word_embeddings") else {})

    def sequence_classification(self, c: Settings) -> Module:
        return self.headed(c, "score", labels(c), bias=False)

    def token_classification(self, c: Settings) -> Module:
        return self.headed(c, "score", labels(c))

    def question_answering(self, c: Settings) -> Module:
        """Return it with scores of each place as an answer's first and last."""
        return self.headed(c, "qa_outputs", 2)

    def below(self, head: str | None) -> str:
        """Return what stands before the names of the base model's layers, with a head on it or without."""
        return "" if head is None else f"{self.name}."

    def read_out(self, c: Settings, w: Wiring, x: str, head: str | None, token_classes: str = "score") -> Network:
        """Write down a head on the base model's states; what reads a whole sequence reads its last place.

        `token_classes` is the name of what classifies tokens.
        """
        match head:
            case "causal_lm" if c.flag("tie_word_embeddings"):
                w.tied("lm_head", x, f"{self.name}.{self.table}", transposed=True)
            case "causal_lm":
                w.weighted("lm_head", x)
            case "sequence_classification":
                w.place("last", w.weighted("score", x), labels(c), last=True)
            case "token_classification":
                w.weighted(token_classes, x)
            case "question_answering":
                w.weighted("qa_outputs", x)
        return w.written()


def of_decoder(name: str, base: Base, questions: str | None = None) -> dict[str | None, Head]:
    """Return the heads that the library's general classes put on any decoder, which is called `name` there.

    `questions` is what the one that answers questions calls the base model, None where there is none.
    """
    heads = {
        None: Head(f"{name}Model", base.tree),
        "causal_lm": Head(f"{name}ForCausalLM", base.causal_lm),
        "sequence_classification": Head(f"{name}ForSequenceClassification", base.sequence_classification),
        "token_classification": Head(f"{name}ForTokenClassification", base.token_classification),
    }
    if questions is None:
        return heads
    asked = replace(base, name=questions)
    return heads | {"question_answering": Head(f"{name}ForQuestionAnswering", asked.question_answering)}
