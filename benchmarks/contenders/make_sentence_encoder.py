"""Give the pretrained encoder the folder that sentence-transformers publishes it in: `… ENCODER FOLDER`.

The package that carries the encoder leaves out what says how its vectors are pooled: the mean, normalised, of at most
256 tokens (the model card of all-MiniLM-L6-v2).
"""

import sys

from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer

TOKENS = 256

if __name__ == "__main__":
    transformer = Transformer(sys.argv[1], max_seq_length=TOKENS)
    pooling = Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()]).save(sys.argv[2])
