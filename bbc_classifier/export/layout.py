"""Where the parts of an exported folder lie: as the library of each format looks for them."""

# The names are those that npm's @huggingface/transformers looks for, by its dtypes "fp32" and "q8".
GRAPH_FILES = {"onnx": "onnx/model.onnx", "onnx-int8": "onnx/model_quantized.onnx"}
WEIGHT_FILES = {"transformers": "model.safetensors", **GRAPH_FILES}
# In a run folder, the folder of its exports.
RUN_EXPORTS = "export"
CONTENTS = frozenset(
    {
        *("export.json", "config.json", "model.safetensors", "onnx"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "chat_template.jinja"),
        "additional_chat_templates",
    }
)
