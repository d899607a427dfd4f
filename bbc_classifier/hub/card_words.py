"""What a card calls the poolings and the ways of cutting a text that there are."""

POOLINGS = {
    "cls": "the vector of the first token",
    "mean": "the mean of its token vectors",
    "max": "the largest value of each dimension over its tokens",
    "pooler": "the encoder's own pretrained pooler",
    "attention": "a learned weighted mean of its token vectors",
    "cls+mean": "the vector of the first token beside the mean of all",
}
TRUNCATIONS = {"head": "the first", "tail": "the last", "head+tail": "the first and last, together"}
