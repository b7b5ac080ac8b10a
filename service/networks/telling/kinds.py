"""KINDS: what a tensor of a listing may be taken for.

To add one, add a row; rules name it, and docs/listings.md lists it.
"""

KINDS: dict[str, str] = {
    "dense": "the matrix of a dense layer",
    "convolution": "the kernel of a convolution",
    "transposed convolution": "the kernel of a transposed convolution",
    "embedding": "a table whose rows are looked up",
    "attention": "projections of an attention layer, several in one array or with an axis for heads",
    "recurrent": "weights and biases of a recurrent layer",
    "expert": "a matrix of one expert, or of all experts of a mixture",
    "gate": "the matrix by which a mixture's router, or a gate, decides",
    "low rank": "one of the two factors of a low-rank update",
    "norm": "scale or shift of a normalisation",
    "running statistic": "mean or variance that a batch normalisation keeps",
    "bias": "what is added to outputs",
    "slope": "the slope of a learned activation below 0",
    "position": "a table of positions, added or looked up by distance",
    "token": "a learned token, query or prompt",
    "layer scale": "a factor on a residual branch, one for each feature",
    "temperature": "a single factor or offset of logits",
    "magnitude": "the lengths in a weight normalisation",
    "state space": "what a state-space layer keeps beside its matrices",
    "sink": "a logit of each head that takes attention away",
    "rotary table": "angles or frequencies that are computed",
    "buffer": "indices, masks, counts and other values that are computed",
    "unknown": "nothing that name and shape tell",
}
